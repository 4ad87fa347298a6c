using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct IQ4XS
{
    /// <inheritdoc/>
    public static int ScaleOffset => 0;

    /// <inheritdoc/>
    public static int MaxCode => 255;

    /// <inheritdoc/>
    public static int TileBias => 128;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Codes256(byte* block, int part)
        => IQ4Table.Lookup(Nibbles.Load256(block + Codes + (16 * part))).AsByte();

    /// <summary>As the interface's, but the codes are signed: the values of the table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> PairSums256(Vector256<byte> codes, Vector256<sbyte> activations)
        => SignedProducts.PairSums(codes.AsSByte(), activations);

    /// <inheritdoc cref="PairSums256"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> PairSums512(Vector512<byte> codes, Vector512<sbyte> activations)
        => SignedProducts.PairSums(codes.AsSByte(), activations);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scales256(byte* block)
    {
        Vector256<uint> low = Avx2.ShiftRightLogicalVariable(
            Vector256.Create(Unsafe.ReadUnaligned<uint>(block + ScalesLow)), Vector256.Create(0u, 4, 8, 12, 16, 20, 24, 28));
        Vector256<uint> high = Avx2.ShiftRightLogicalVariable(
            Vector256.Create((uint)Unsafe.ReadUnaligned<ushort>(block + ScalesHigh)), Vector256.Create(0u, 2, 4, 6, 8, 10, 12, 14));
        Vector256<uint> codes = (low & Vector256.Create(15u)) | Avx2.ShiftLeftLogical(high & Vector256.Create(3u), 4);

        // Each scale to both 16-bit halves of its 32 bits.
        Vector256<uint> twice = codes | Avx2.ShiftLeftLogical(codes, 16);
        return twice.AsInt16() - Vector256.Create((short)32);
    }
}
