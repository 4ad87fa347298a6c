using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q6K
{
    /// <inheritdoc/>
    public static int CodeBias => 32;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Codes256(byte* block, int part)
    {
        Vector256<ushort> pairs = Vector256.Load(block + LowBits + (64 * (part / 4)) + (32 * (part % 2))).AsUInt16();
        Vector256<byte> low = (part % 4 < 2 ? pairs : pairs >>> 4).AsByte() & Vector256.Create((byte)15);
        Vector256<byte> high = TwoBitFields.Load256(block + HighBits, part);
        return low | (high.AsUInt16() << 4).AsByte();
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scales256(byte* block) => Avx2.ConvertToVector256Int16((sbyte*)(block + Scales));
}
