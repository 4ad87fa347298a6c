using CpuMoe.Blocks;

namespace CpuMoe.Tests.Quantization;

/// <summary>What is set in a block is read back from it.</summary>
public unsafe class PackingTests
{
    [Fact]
    public void SuperBlocksKeepWhatIsSet()
    {
        Check256<Q2K>();
        Check256<Q3K>();
        Check256<Q4K>();
        Check256<Q5K>();
        Check256<Q6K>();
    }

    [Fact]
    public void BlocksKeepWhatIsSet()
    {
        Check32<Q4_0>();
        Check32<Q5_0>();
        Check32<Q5_1>();
    }

    private static void Check256<TFormat>()
        where TFormat : struct, IWritableBlock256<TFormat>
    {
        Random random = new(5);
        int groups = 256 / TFormat.ValuesPerGroup;
        byte* block = stackalloc byte[TFormat.BytesPerBlock];
        for (int round = 0; round < 20; round++)
        {
            new Span<byte>(block, TFormat.BytesPerBlock).Clear();
            int[] codes = Draw(random, 256, TFormat.LowestCode, TFormat.HighestCode);
            int[] scales = Draw(random, groups, TFormat.LowestGroupScale, TFormat.HighestGroupScale);
            int[] minima = Draw(random, groups, 0, TFormat.HighestGroupMinimum);
            TFormat.SetScale(block, (Half)0.5f);
            TFormat.SetMinimumScale(block, (Half)0.25f);
            for (int group = 0; group < groups; group++)
            {
                TFormat.SetGroupScale(block, group, scales[group]);
                TFormat.SetGroupMinimum(block, group, minima[group]);
            }

            for (int i = 0; i < 256; i++)
            {
                TFormat.SetCode(block, i, codes[i]);
            }

            Assert.Equal(codes, Enumerable.Range(0, 256).Select(i => TFormat.Code(block, i)));
            Assert.Equal(scales, Enumerable.Range(0, groups).Select(group => TFormat.GroupScale(block, group)));
            Assert.Equal(minima, Enumerable.Range(0, groups).Select(group => TFormat.GroupMinimum(block, group)));
            Assert.Equal((0.5f, TFormat.HasMinima ? 0.25f : 0), (TFormat.Scale(block), TFormat.MinimumScale(block)));
        }
    }

    private static void Check32<TFormat>()
        where TFormat : struct, IWritableBlock32<TFormat>
    {
        Random random = new(6);
        byte* block = stackalloc byte[TFormat.BytesPerBlock];
        for (int round = 0; round < 20; round++)
        {
            new Span<byte>(block, TFormat.BytesPerBlock).Clear();
            int[] codes = Draw(random, 32, TFormat.LowestCode, TFormat.HighestCode);
            TFormat.SetScale(block, (Half)0.5f);
            TFormat.SetOffset(block, (Half)(-0.25f));
            for (int i = 0; i < 32; i++)
            {
                TFormat.SetCode(block, i, codes[i]);
            }

            Assert.Equal(codes, Enumerable.Range(0, 32).Select(i => TFormat.Code(block, i)));
            Assert.Equal((0.5f, TFormat.HasOffset ? -0.25f : 0), (TFormat.Scale(block), TFormat.Offset(block)));
        }
    }

    /// <summary>Whole numbers, both ends of the range among them.</summary>
    private static int[] Draw(Random random, int count, int lowest, int highest) =>
        [lowest, highest, .. Enumerable.Range(2, count - 2).Select(_ => random.Next(lowest, highest + 1))];
}
