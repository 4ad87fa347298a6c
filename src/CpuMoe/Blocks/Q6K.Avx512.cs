using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q6K
{
    /// <inheritdoc/>
    public static int ScaleOffset => 208;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Codes512(byte* block, int part) => ProductCodes512(block, part, Rotation512(part));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ProductCodes512(byte* block, int part, Vector512<uint> rotation)
    {
        Vector512<ushort> pairs = Vector512.Load(block + LowBits + (64 * (part / 2))).AsUInt16();
        Vector512<byte> low = (part % 2 == 0 ? pairs : pairs >>> 4).AsByte() & Vector512.Create((byte)15);
        return low | TwoBitFields.Load512(block + HighBits, part, toBit: 4, rotation);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Rotation512(int part) => TwoBitFields.Rotation512(part, toBit: 4);
}
