using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q2K
{
    /// <inheritdoc/>
    public static int ScaleOffset => 80;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Codes512(byte* block, int part) => TwoBitFields.Load512(block + Codes, part, toBit: 0);
}
