using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q2K
{
    /// <inheritdoc/>
    public static int ScaleOffset => 80;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Codes512(byte* block, int part) => ProductCodes512(block, part, Rotation512(part));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ProductCodes512(byte* block, int part, Vector512<uint> rotation)
        => TwoBitFields.Load512(block + Codes, part, toBit: 0, rotation);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Rotation512(int part) => TwoBitFields.Rotation512(part, toBit: 0);
}
