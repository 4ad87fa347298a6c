using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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

    static void IBlockFormat<TSelf>.LoadTile(byte* rows, long rowBytes, int values, WeightTile* tile)
    {
        int blocks = values / 32;
        for (int row = 0; row < WeightTile.Rows; row += 4)
        {
            byte* a = rows + (row * rowBytes);
            byte* b = a + rowBytes;
            byte* c = b + rowBytes;
            byte* d = c + rowBytes;
            for (int block = 0; block < blocks; block += 2)
            {
                int next = block + 1 < blocks ? TSelf.BytesPerBlock : 0;
                WeightTile.StoreFourRows(tile->Codes + (block * 32 * WeightTile.Rows), row, Codes512(a, next), Codes512(b, next), Codes512(c, next), Codes512(d, next));
                a += 2 * TSelf.BytesPerBlock;
                b += 2 * TSelf.BytesPerBlock;
                c += 2 * TSelf.BytesPerBlock;
                d += 2 * TSelf.BytesPerBlock;
            }
        }

        // Offsets are negative minima: value = scale * code - (-offset) * 1.
        var minima = Vector512.Create((short)(TSelf.CodeBias != 0 ? TSelf.CodeBias : 1));
        for (int block = 0; block < blocks; block++)
        {
            minima.Store(tile->Minima + (block * 2 * WeightTile.Rows));
            for (int row = 0; row < WeightTile.Rows; row++)
            {
                byte* source = rows + (row * rowBytes) + (block * TSelf.BytesPerBlock);
                tile->Scale[(block * WeightTile.Rows) + row] = TSelf.Scale(source);
                if (TSelf.HasOffset)
                {
                    tile->MinimumScale[(block * WeightTile.Rows) + row] = -TSelf.Offset(source);
                }
            }
        }
    }

    /// <summary>The biased codes of a block and of the one <paramref name="next"/> bytes after it (itself, where there is none).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Codes512(byte* block, int next)
        => TSelf.BiasedCodes256(block).ToVector512Unsafe().WithUpper(TSelf.BiasedCodes256(block + next)).AsInt32();
}
