using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q3K
{
    /// <inheritdoc/>
    public static int ScaleOffset => 108;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Codes512(byte* block, int part)
        => TwoBitFields.Load512(block + LowBits, part, toBit: 0) | BitPlanes.Load512(block + HighBits, part, toBit: 2);
}
