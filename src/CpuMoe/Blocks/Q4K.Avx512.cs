using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q4K
{
    /// <inheritdoc/>
    public static int ScaleOffset => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Codes512(byte* block, int part) => NibblePairs.Load512(block + Codes, part);

    /// <inheritdoc/>
    public static int HalfDistance => 64;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ProductCodes512(byte* block, int part) => NibblePairs.LoadApart512(block + Codes, part);
}
