using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>
/// Up to 256 values of 16 weight rows, unpacked for products with many activations: codes with the rows side by side, so that one vector multiplication serves 16 rows at once.
/// </summary>
/// <remarks>About 8 KB, or 9 with wide codes: a tile lives in the first-level cache while the activations of a batch pass by.</remarks>
internal unsafe struct WeightTile
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 16;

    /// <summary>Values per row, at most.</summary>
    public const int Values = 256;

    /// <summary>[value / 4][row][value % 4]: unsigned bytes; or wide, [value / 2][row][value % 2]: signed 16-bit numbers.</summary>
    public fixed byte Codes[2 * Values * Rows];

    /// <summary>[value / 16][row][2]: the integer scale of every 16 values, twice. Formats with super-blocks only.</summary>
    public fixed short Scales[Values / 16 * Rows * 2];

    /// <summary>
    /// [value / 32][row][2]: what is taken off for every 16 values, as a factor of the sum of their activations; in pairs.
    /// </summary>
    public fixed short Minima[Values / 32 * Rows * 2];

    /// <summary>[value / 32][row]: the float scales; super-blocks have one for all values.</summary>
    public fixed float Scale[Values / 32 * Rows];

    /// <summary>[value / 32][row]: the float scales of the minima, as <see cref="Scale"/>, where they differ from it.</summary>
    public fixed float MinimumScale[Values / 32 * Rows];

    /// <summary>
    /// Writes 64 bytes of each of four neighbouring rows, first row <paramref name="row"/>, as [16][row][4] to
    /// <paramref name="target"/>: a transposition of 4-byte pieces.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFourRows(byte* target, int row, Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d)
    {
        Vector512<long> low01 = Avx512F.UnpackLow(a, b).AsInt64();
        Vector512<long> high01 = Avx512F.UnpackHigh(a, b).AsInt64();
        Vector512<long> low23 = Avx512F.UnpackLow(c, d).AsInt64();
        Vector512<long> high23 = Avx512F.UnpackHigh(c, d).AsInt64();
        target += 4 * row;
        StoreQuarters(target, Avx512F.UnpackLow(low01, low23));
        StoreQuarters(target + 64, Avx512F.UnpackHigh(low01, low23));
        StoreQuarters(target + 128, Avx512F.UnpackLow(high01, high23));
        StoreQuarters(target + 192, Avx512F.UnpackHigh(high01, high23));
    }

    /// <summary>As the other, with 32 bytes of each row: [8][row][4].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFourRows(byte* target, int row, Vector256<int> a, Vector256<int> b, Vector256<int> c, Vector256<int> d)
    {
        Vector256<long> low01 = Avx2.UnpackLow(a, b).AsInt64();
        Vector256<long> high01 = Avx2.UnpackHigh(a, b).AsInt64();
        Vector256<long> low23 = Avx2.UnpackLow(c, d).AsInt64();
        Vector256<long> high23 = Avx2.UnpackHigh(c, d).AsInt64();
        target += 4 * row;
        StoreHalves(target, Avx2.UnpackLow(low01, low23));
        StoreHalves(target + 64, Avx2.UnpackHigh(low01, low23));
        StoreHalves(target + 128, Avx2.UnpackLow(high01, high23));
        StoreHalves(target + 192, Avx2.UnpackHigh(high01, high23));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreHalves(byte* target, Vector256<long> halves)
    {
        halves.GetLower().AsByte().Store(target);
        halves.GetUpper().AsByte().Store(target + 256);
    }

    // Quarter q holds piece 4q + (0..3) of the four rows; pieces lie 64 bytes apart.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreQuarters(byte* target, Vector512<long> quarters)
    {
        quarters.GetLower().GetLower().AsByte().Store(target);
        Avx512F.ExtractVector128(quarters, 1).AsByte().Store(target + 256);
        Avx512F.ExtractVector128(quarters, 2).AsByte().Store(target + 512);
        Avx512F.ExtractVector128(quarters, 3).AsByte().Store(target + 768);
    }
}
