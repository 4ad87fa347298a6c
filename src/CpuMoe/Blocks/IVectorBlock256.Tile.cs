using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal unsafe partial interface IVectorBlock256<TSelf>
{
    /// <summary>The largest unsigned code.</summary>
    static abstract int MaxCode { get; }

    /// <summary>By how much a code in a tile exceeds the code: more than <see cref="CodeBias"/> where that leaves codes signed.</summary>
    static virtual int TileBias => TSelf.CodeBias;

    static int IBlockFormat<TSelf>.TileMaxCode => TSelf.MaxCode;

    static int IBlockFormat<TSelf>.TileValuesPerScale => 256;

    static int IBlockFormat<TSelf>.TileValuesPerGroup => TSelf.ValuesPerGroup;

    static TileMinima IBlockFormat<TSelf>.TileMinima
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TSelf.TileBias != 0 ? TileMinima.SameScale : TSelf.HasMinima ? TileMinima.OwnScale : TileMinima.None;
    }

    static void IBlockFormat<TSelf>.LoadTile(byte* rows, long rowBytes, int values, WeightTile* tile, bool wide)
    {
        for (int row = 0; row < WeightTile.Rows; row += 4)
        {
            byte* a = rows + (row * rowBytes);
            byte* b = a + rowBytes;
            byte* c = b + rowBytes;
            byte* d = c + rowBytes;
            if (wide)
            {
                StoreWide(tile->Codes, row, a, b, c, d);
                continue;
            }

            StoreCodes(tile->Codes, row, a, b, c, d);
            Vector256<short> scalesA = TSelf.Scales256(a), scalesB = TSelf.Scales256(b), scalesC = TSelf.Scales256(c), scalesD = TSelf.Scales256(d);
            byte* scales = (byte*)tile->Scales;
            WeightTile.StoreFourRows(scales, row, LowerTwice(scalesA), LowerTwice(scalesB), LowerTwice(scalesC), LowerTwice(scalesD));
            WeightTile.StoreFourRows(scales + (32 * WeightTile.Rows), row, UpperTwice(scalesA), UpperTwice(scalesB), UpperTwice(scalesC), UpperTwice(scalesD));
            if (TSelf.TileBias != 0)
            {
                var bias = Vector256.Create((short)TSelf.TileBias);
                StoreMinima(tile, row, scalesA * bias, scalesB * bias, scalesC * bias, scalesD * bias);
            }
            else if (TSelf.HasMinima)
            {
                StoreMinima(tile, row, TSelf.Minima256(a), TSelf.Minima256(b), TSelf.Minima256(c), TSelf.Minima256(d));
            }
        }

        for (int row = 0; row < WeightTile.Rows; row++, rows += rowBytes)
        {
            tile->Scale[row] = TSelf.Scale(rows);
            tile->MinimumScale[row] = TSelf.MinimumScale(rows);
        }
    }

    // Not inlined: with the scales this would be more than the compiler inlines into one method (Q5_K).
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreCodes(byte* codes, int row, byte* a, byte* b, byte* c, byte* d)
    {
        if (Avx512BW.IsSupported)
        {
            StoreCodes512(codes, row, a, b, c, d, 0);
            StoreCodes512(codes, row, a, b, c, d, 1);
            StoreCodes512(codes, row, a, b, c, d, 2);
            StoreCodes512(codes, row, a, b, c, d, 3);
            return;
        }

        StoreCodes256(codes, row, a, b, c, d, 0);
        StoreCodes256(codes, row, a, b, c, d, 1);
        StoreCodes256(codes, row, a, b, c, d, 2);
        StoreCodes256(codes, row, a, b, c, d, 3);
        StoreCodes256(codes, row, a, b, c, d, 4);
        StoreCodes256(codes, row, a, b, c, d, 5);
        StoreCodes256(codes, row, a, b, c, d, 6);
        StoreCodes256(codes, row, a, b, c, d, 7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreCodes512(byte* codes, int row, byte* a, byte* b, byte* c, byte* d, int part) => WeightTile.StoreFourRows(
        codes + (part * 64 * WeightTile.Rows),
        row,
        TileCodes512(a, part),
        TileCodes512(b, part),
        TileCodes512(c, part),
        TileCodes512(d, part));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreCodes256(byte* codes, int row, byte* a, byte* b, byte* c, byte* d, int part) => WeightTile.StoreFourRows(
        codes + (part * 32 * WeightTile.Rows),
        row,
        TileCodes256(a, part),
        TileCodes256(b, part),
        TileCodes256(c, part),
        TileCodes256(d, part));

    private static void StoreWide(byte* target, int row, byte* a, byte* b, byte* c, byte* d)
    {
        for (int part = 0; part < 8; part++, target += 64 * WeightTile.Rows)
        {
            if (Avx512BW.IsSupported)
            {
                WeightTile.StoreFourRows(target, row, Wide512(a, part), Wide512(b, part), Wide512(c, part), Wide512(d, part));
                continue;
            }

            WeightTile.StoreFourRows(target, row, Wide256(a, 2 * part), Wide256(b, 2 * part), Wide256(c, 2 * part), Wide256(d, 2 * part));
            int upper = (2 * part) + 1;
            WeightTile.StoreFourRows(
                target + (32 * WeightTile.Rows), row, Wide256(a, upper), Wide256(b, upper), Wide256(c, upper), Wide256(d, upper));
        }
    }

    /// <summary>32 signed codes times the integer scale of their group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Wide512(byte* block, int part) =>
        (Avx512BW.ConvertToVector512Int16(TSelf.Codes256(block, part).AsSByte())
            * Vector512.Create((short)TSelf.GroupScale(block, 32 * part / TSelf.ValuesPerGroup))).AsInt32();

    /// <summary>As the other, with 16 codes; part is 0..15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Wide256(byte* block, int part)
    {
        Vector256<sbyte> codes = TSelf.Codes256(block, part / 2).AsSByte();
        return (Avx2.ConvertToVector256Int16(part % 2 == 0 ? codes.GetLower() : codes.GetUpper())
            * Vector256.Create((short)TSelf.GroupScale(block, 16 * part / TSelf.ValuesPerGroup))).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> TileCodes512(byte* block, int part)
    {
        Vector512<byte> codes = TSelf.Codes512(block, part);
        return (TSelf.TileBias == TSelf.CodeBias ? codes : codes + Vector512.Create((byte)(TSelf.TileBias - TSelf.CodeBias))).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> TileCodes256(byte* block, int part)
    {
        Vector256<byte> codes = TSelf.Codes256(block, part);
        return (TSelf.TileBias == TSelf.CodeBias ? codes : codes + Vector256.Create((byte)(TSelf.TileBias - TSelf.CodeBias))).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreMinima(WeightTile* tile, int row, Vector256<short> a, Vector256<short> b, Vector256<short> c, Vector256<short> d) =>
        WeightTile.StoreFourRows((byte*)tile->Minima, row, a.AsInt32(), b.AsInt32(), c.AsInt32(), d.AsInt32());

    /// <summary>The first eight 16-bit numbers, each to both halves of 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> LowerTwice(Vector256<short> numbers) => Twice(numbers.GetLower());

    /// <summary>The last eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> UpperTwice(Vector256<short> numbers) => Twice(numbers.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Twice(Vector128<short> numbers)
    {
        Vector256<int> wide = Avx2.ConvertToVector256Int32(numbers.AsUInt16());
        return wide | Avx2.ShiftLeftLogical(wide, 16);
    }
}
