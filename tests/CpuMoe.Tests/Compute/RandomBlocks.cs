using System.Runtime.InteropServices;
using CpuMoe.Gguf;
using CpuMoe.Tests.Blocks;

namespace CpuMoe.Tests.Compute;

/// <summary>Random bytes that are valid weights of a format.</summary>
internal static class RandomBlocks
{
    // Blocks that are drawn; longer rows repeat them at random, because drawing takes many attempts.
    private const int MostBlocks = 24;

    /// <summary>A row of whole blocks, none of whose values is larger than <paramref name="magnitude"/>.</summary>
    public static byte[] Row(Random random, GgmlType type, int values, float magnitude)
    {
        if (type == GgmlType.F32)
        {
            return [.. MemoryMarshal.AsBytes<float>(Floats(random, values, magnitude))];
        }

        FormatUnderTest format = FormatUnderTest.Of(type);
        byte[] row = new byte[values / format.ValuesPerBlock * format.BytesPerBlock];
        for (int start = 0; start < row.Length; start += format.BytesPerBlock)
        {
            Span<byte> block = row.AsSpan(start, format.BytesPerBlock);
            int earlier = start / format.BytesPerBlock;
            if (earlier >= MostBlocks)
            {
                row.AsSpan(random.Next(MostBlocks) * format.BytesPerBlock, format.BytesPerBlock).CopyTo(block);
                continue;
            }

            // Any bits are a block; those whose random scale is far from the wanted size are drawn again.
            float largest;
            do
            {
                random.NextBytes(block);
                largest = format.Dequantize(block).Max(MathF.Abs);
            }
            while (!(largest <= magnitude && largest > magnitude / 16));
        }

        return row;
    }

    /// <summary>Evenly distributed numbers in [-magnitude, magnitude].</summary>
    public static float[] Floats(Random random, int count, float magnitude = 1) =>
        [.. Enumerable.Range(0, count).Select(_ => magnitude * ((2 * random.NextSingle()) - 1))];
}
