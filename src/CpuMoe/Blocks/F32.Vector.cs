using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct F32
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source)
        => Vector128.Load((float*)source);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source)
        => Vector256.Load((float*)source);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source)
        => Vector512.Load((float*)source);
}
