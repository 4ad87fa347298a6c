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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ApartCodes512(byte* block, int part, Vector512<uint> rotation) => NibblePairs.LoadApart512(block + Codes, part);
}
