using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q5K
{
    /// <inheritdoc/>
    public static int ScaleOffset => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Codes512(byte* block, int part)
        => NibblePairs.Load512(block + LowBits, part) | BitPlanes.Load512(block + HighBits, part, toBit: 4);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ApartCodes512(byte* block, int part, Vector512<uint> rotation)
        => NibblePairs.LoadApart512(block + LowBits, part) | BitPlanes.LoadApart512(block + HighBits, toBit: 4, rotation);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ApartRotation512(int part) => BitPlanes.RotationApart512(part, toBit: 4);
}
