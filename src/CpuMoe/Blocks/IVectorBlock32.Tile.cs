using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal unsafe partial interface IVectorBlock32<TSelf>
{
    static int IBlockFormat<TSelf>.TileMaxCode => TSelf.MaxCode;

    static int IBlockFormat<TSelf>.TileValuesPerScale => 32;

    static TileMinima IBlockFormat<TSelf>.TileMinima
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TSelf.CodeBias != 0 ? TileMinima.SameScale : TSelf.HasOffset ? TileMinima.OwnScale : TileMinima.None;
    }

    /// <summary>The scales of four blocks that lie <paramref name="rowBytes"/> bytes apart, such as one in each of four rows.</summary>
    static virtual Vector128<float> RowScales128(byte* block, long rowBytes) => Float16.LoadFourOfEvery(block, (int)rowBytes);

    static void IBlockFormat<TSelf>.LoadTile(byte* rows, long rowBytes, int values, WeightTile* tile, bool wide)
    {
        int blocks = values / 32;
        for (int row = 0; row < WeightTile.Rows; row += 4)
        {
            byte* a = rows + (row * rowBytes);
            byte* b = a + rowBytes;
            byte* c = b + rowBytes;
            byte* d = c + rowBytes;
            byte* codes = tile->Codes;
            for (int block = 0; block < blocks; block++)
            {
                if (!wide)
                {
                    WeightTile.StoreFourRows(
                        codes,
                        row,
                        TSelf.BiasedCodes256(a).AsInt32(),
                        TSelf.BiasedCodes256(b).AsInt32(),
                        TSelf.BiasedCodes256(c).AsInt32(),
                        TSelf.BiasedCodes256(d).AsInt32());
                    codes += 32 * WeightTile.Rows;
                }
                else if (Avx512BW.IsSupported)
                {
                    WeightTile.StoreFourRows(codes, row, Wide512(a), Wide512(b), Wide512(c), Wide512(d));
                    codes += 64 * WeightTile.Rows;
                }
                else
                {
                    WeightTile.StoreFourRows(codes, row, Lower256(a), Lower256(b), Lower256(c), Lower256(d));
                    codes += 32 * WeightTile.Rows;
                    WeightTile.StoreFourRows(codes, row, Upper256(a), Upper256(b), Upper256(c), Upper256(d));
                    codes += 32 * WeightTile.Rows;
                }

                TSelf.RowScales128(a, rowBytes).Store(tile->Scale + (block * WeightTile.Rows) + row);
                if (TSelf.HasOffset)
                {
                    // Offsets are negative minima: value = scale * code - (-offset) * 1.
                    (-Float16.LoadFourOfEvery(a + sizeof(Half), (int)rowBytes)).Store(tile->MinimumScale + (block * WeightTile.Rows) + row);
                }

                a += TSelf.BytesPerBlock;
                b += TSelf.BytesPerBlock;
                c += TSelf.BytesPerBlock;
                d += TSelf.BytesPerBlock;
            }
        }

        new Span<short>(tile->Minima, blocks * 2 * WeightTile.Rows).Fill((short)(TSelf.CodeBias != 0 ? TSelf.CodeBias : 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Wide512(byte* block) => Avx512BW.ConvertToVector512Int16(TSelf.Codes256(block)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Lower256(byte* block) => Avx2.ConvertToVector256Int16(TSelf.Codes256(block).GetLower()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Upper256(byte* block) => Avx2.ConvertToVector256Int16(TSelf.Codes256(block).GetUpper()).AsInt32();
}
