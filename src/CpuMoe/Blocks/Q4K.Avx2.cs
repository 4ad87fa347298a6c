using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q4K
{
    /// <inheritdoc/>
    public static int MaxCode => 15;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Codes256(byte* block, int part) => NibblePairs.Load256(block + Codes, part);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scales256(byte* block) => SixBitScales.Scales256(block + Scales);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Minima256(byte* block) => SixBitScales.Minima256(block + Scales);
}
