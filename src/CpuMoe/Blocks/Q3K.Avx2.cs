using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q3K
{
    /// <inheritdoc/>
    public static int CodeBias => 4;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Codes256(byte* block, int part)
        => TwoBitFields.Load256(block + LowBits, part) | BitPlanes.Load256(block + HighBits, part, toBit: 2);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scales256(byte* block)
    {
        // Low 4 bits: the eight bytes, and again from bit 4. Upper 2 bits: the four bytes from bits 0, 2, 4 and 6.
        byte* packed = block + Scales;
        Vector128<ulong> low = Avx2.ShiftRightLogicalVariable(Vector128.Create(Unsafe.ReadUnaligned<ulong>(packed)), Vector128.Create(0ul, 4));
        Vector128<uint> high = Avx2.ShiftRightLogicalVariable(Vector128.Create(Unsafe.ReadUnaligned<uint>(packed + 8)), Vector128.Create(0u, 2, 4, 6));
        Vector128<byte> highInPlace = Sse2.ShiftLeftLogical(high & Vector128.Create(0x0303_0303u), 4).AsByte();
        Vector128<byte> scales = (low.AsByte() & Vector128.Create((byte)15)) | highInPlace;
        return Avx2.ConvertToVector256Int16(scales) - Vector256.Create((short)32);
    }
}
