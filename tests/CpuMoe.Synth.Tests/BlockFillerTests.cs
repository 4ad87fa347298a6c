using CpuMoe.Blocks;
using CpuMoe.Gguf;

namespace CpuMoe.Synth.Tests;

/// <summary>Random blocks, read back by the engine's definition of their format.</summary>
public class BlockFillerTests
{
    [Theory]
    [InlineData(GgmlType.Q4_0)]
    [InlineData(GgmlType.Q5_0)]
    [InlineData(GgmlType.Q5_1)]
    [InlineData(GgmlType.Q8_0)]
    [InlineData(GgmlType.IQ4_NL)]
    [InlineData(GgmlType.Q2_K)]
    [InlineData(GgmlType.Q3_K)]
    [InlineData(GgmlType.Q4_K)]
    [InlineData(GgmlType.Q5_K)]
    [InlineData(GgmlType.Q6_K)]
    [InlineData(GgmlType.F16)]
    public void ValuesHaveZeroMeanAndTheDeviationOfTheirRowLength(GgmlType type)
    {
        // The longest rows of all shapes have the smallest scales.
        PlannedTensor tensor = new("blk.0.ffn_down.weight", type, [12288, 64], TensorRole.Matrix);
        float[] values = Dequantize(type, Write(tensor, seed: 3));

        double mean = values.Average();
        double deviation = Math.Sqrt(values.Average(value => (double)value * value));
        Assert.Equal(12288 * 64, values.Length);
        Assert.All(values, value => Assert.True(float.IsFinite(value)));
        Assert.InRange(deviation * Math.Sqrt(12288), 0.98, 1.02);
        Assert.InRange(mean / deviation, -0.01, 0.01);
    }

    [Fact]
    public void ValuesDependOnSeedAndNameOnly()
    {
        PlannedTensor tensor = new("a", GgmlType.Q4_K, [256, 10], TensorRole.Matrix);
        byte[] bytes = Write(tensor, seed: 3);

        Assert.Equal(bytes, Write(tensor, seed: 3));
        Assert.Equal(bytes, Write(tensor with { Dimensions = [256, 20] }, seed: 3)[..bytes.Length]);
        Assert.NotEqual(bytes, Write(tensor, seed: 4));
        Assert.NotEqual(bytes, Write(tensor with { Name = "b" }, seed: 3));
    }

    [Fact]
    public void BytesAreThoseOfTheGenerator()
    {
        // The scalar algorithm of the authors, lane by lane.
        byte[] bytes = new byte[100];
        new RandomStream(5).Fill(bytes);
        Generation.Xoshiro256 seeds = new(5);
        ulong[,] state = new ulong[4, 4];
        for (int i = 0; i < 16; i++)
        {
            state[i / 4, i % 4] = seeds.NextUInt64();
        }

        for (int i = 0; i < bytes.Length / 8; i++)
        {
            int lane = i % 4;
            ref ulong s0 = ref state[0, lane], s1 = ref state[1, lane], s2 = ref state[2, lane], s3 = ref state[3, lane];
            Assert.Equal(ulong.RotateLeft(s0 + s3, 23) + s0, BitConverter.ToUInt64(bytes, 8 * i));
            ulong t = s1 << 17;
            s2 ^= s0;
            s3 ^= s1;
            s1 ^= s2;
            s0 ^= s3;
            s2 ^= t;
            s3 = ulong.RotateLeft(s3, 45);
        }
    }

    internal static byte[] Write(PlannedTensor tensor, ulong seed, double skew = 0, int experts = 128, int used = 8, bool hasSelectionBias = true)
    {
        using MemoryStream stream = new();
        long written = 0;
        new WeightSource(seed, new ExpertPopularity(experts, used, skew), hasSelectionBias, embeddingDeviation: 1).Write(tensor, stream, bytes => written += bytes);
        Assert.Equal(tensor.ByteCount, written);
        Assert.Equal(tensor.ByteCount, stream.Length);
        return stream.ToArray();
    }

    private static float[] Dequantize(GgmlType type, byte[] blocks)
    {
        Assert.True(BlockFormats.TryVisit<Reader, float[]>(type, new Reader(blocks), out float[]? values));
        return values!;
    }

    private readonly struct Reader(byte[] blocks) : IBlockFormatVisitor<float[]>
    {
        public unsafe float[] Visit<TFormat>()
            where TFormat : struct, IBlockFormat<TFormat>
        {
            float[] values = new float[blocks.Length / TFormat.BytesPerBlock * TFormat.ValuesPerBlock];
            fixed (byte* from = blocks)
            fixed (float* to = values)
            {
                for (int block = 0; block < blocks.Length / TFormat.BytesPerBlock; block++)
                {
                    TFormat.Dequantize(from + (block * TFormat.BytesPerBlock), to + (block * TFormat.ValuesPerBlock));
                }
            }

            return values;
        }
    }
}
