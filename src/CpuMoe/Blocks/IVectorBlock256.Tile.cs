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

            StoreCodes(tile->Codes, row, a, b, c, d, 0);
            StoreCodes(tile->Codes, row, a, b, c, d, 1);
            StoreCodes(tile->Codes, row, a, b, c, d, 2);
            StoreCodes(tile->Codes, row, a, b, c, d, 3);
            Vector256<short> scalesA = TSelf.Scales256(a), scalesB = TSelf.Scales256(b), scalesC = TSelf.Scales256(c), scalesD = TSelf.Scales256(d);
            WeightTile.StoreFourRows((byte*)tile->Scales, row, Twice(scalesA), Twice(scalesB), Twice(scalesC), Twice(scalesD));
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreCodes(byte* codes, int row, byte* a, byte* b, byte* c, byte* d, int part) => WeightTile.StoreFourRows(
        codes + (part * 64 * WeightTile.Rows),
        row,
        TileCodes(a, part),
        TileCodes(b, part),
        TileCodes(c, part),
        TileCodes(d, part));

    private static void StoreWide(byte* target, int row, byte* a, byte* b, byte* c, byte* d)
    {
        for (int part = 0; part < 8; part++, target += 64 * WeightTile.Rows)
        {
            WeightTile.StoreFourRows(target, row, Wide512(a, part), Wide512(b, part), Wide512(c, part), Wide512(d, part));
        }
    }

    /// <summary>32 signed codes times the integer scale of their group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Wide512(byte* block, int part) =>
        (Avx512BW.ConvertToVector512Int16(TSelf.Codes256(block, part).AsSByte())
            * Vector512.Create((short)TSelf.GroupScale(block, 32 * part / TSelf.ValuesPerGroup))).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> TileCodes(byte* block, int part)
    {
        Vector512<byte> codes = TSelf.Codes512(block, part);
        return (TSelf.TileBias == TSelf.CodeBias ? codes : codes + Vector512.Create((byte)(TSelf.TileBias - TSelf.CodeBias))).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreMinima(WeightTile* tile, int row, Vector256<short> a, Vector256<short> b, Vector256<short> c, Vector256<short> d) =>
        WeightTile.StoreFourRows(
            (byte*)tile->Minima,
            row,
            a.AsInt32().ToVector512Unsafe(),
            b.AsInt32().ToVector512Unsafe(),
            c.AsInt32().ToVector512Unsafe(),
            d.AsInt32().ToVector512Unsafe());

    /// <summary>Each 16-bit number to both halves of 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Twice(Vector256<short> numbers)
    {
        Vector512<int> wide = Avx512F.ConvertToVector512Int32(numbers.AsUInt16());
        return wide | Avx512F.ShiftLeftLogical(wide, 16);
    }
}
