using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q8_0
{
    /// <inheritdoc/>
    public static int MaxCode => 255;

    /// <inheritdoc/>
    public static bool HasSignedCodes => true;

    /// <inheritdoc/>
    public static int CodeBias => 128;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes256(byte* block)
        => Vector256.Load((sbyte*)(block + Codes));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> BiasedCodes256(byte* block) => Codes256(block).AsByte() + Vector256.Create((byte)CodeBias);
}
