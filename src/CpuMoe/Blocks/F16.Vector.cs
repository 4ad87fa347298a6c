using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct F16
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source)
        => Float16.Load128(source);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source)
        => Float16.Load256(source);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source)
        => Float16.Load512(source);
}
