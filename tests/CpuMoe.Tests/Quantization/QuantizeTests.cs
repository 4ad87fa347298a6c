using CpuMoe.Gguf;
using CpuMoe.Quantization;
using CpuMoe.Tests.Blocks;
using FsCheck;
using FsCheck.Fluent;

namespace CpuMoe.Tests.Quantization;

/// <summary>Floats to blocks and back.</summary>
public class QuantizeTests
{
    /// <summary>
    /// The most by which a value may be off, relative to the largest magnitude of its block: a step of the codes (of
    /// formats with minima, of a range that is twice as wide), and what coarse integer scales add.
    /// </summary>
    private static readonly Dictionary<GgmlType, double> LargestErrors = new()
    {
        [GgmlType.F16] = 1 / 2048.0,
        [GgmlType.Q8_0] = 0.57 / 127,
        [GgmlType.Q6_K] = 2 / 31.0,
        [GgmlType.Q5_K] = 2 / 30.0,
        [GgmlType.Q5_1] = 2 / 30.0,
        [GgmlType.Q5_0] = 1.5 / 15.0,
        [GgmlType.Q4_K] = 2 / 14.0,
        [GgmlType.Q4_0] = 1.5 / 7.0,
        [GgmlType.Q3_K] = 1.5 / 3.0,
        [GgmlType.Q2_K] = 2 / 2.5,
    };

    /// <summary>What the rounding of scales that are subnormal halves adds, for 127 codes.</summary>
    private const double SubnormalError = 4e-6;

    public static TheoryData<GgmlType> Types => [.. ModelQuantizer.WritableTypes];

    /// <summary>The types whose scales are searched for.</summary>
    public static TheoryData<GgmlType> FittedTypes => [.. ModelQuantizer.WritableTypes.Except([GgmlType.F16, GgmlType.Q8_0])];

    [Fact]
    public void TheTypesOfAllMixesAreWritten() => Assert.Equal(LargestErrors.Keys.Order(), ModelQuantizer.WritableTypes.Order());

    [Theory]
    [MemberData(nameof(Types))]
    public void EveryValueIsNearItsOriginal(GgmlType type)
    {
        FormatUnderTest format = FormatUnderTest.Of(type);
        Gen<float[]> blocks =
            from seed in Gen.Choose(0, int.MaxValue - 1)
            from kind in Gen.Choose(0, 4)
            from exponent in Gen.Choose(-8, 15)
            from count in Gen.Choose(1, 20)
            select Draw(new Random(seed), kind, MathF.ScaleB(1, exponent), count * 256);
        Prop.ForAll(blocks.ToArbitrary(), values =>
        {
            float[] back = format.Dequantize(format.Quantize(values));
            int length = Math.Max(format.ValuesPerBlock, 32);
            for (int i = 0; i < values.Length; i++)
            {
                float largest = values.AsSpan(i / length * length, length).ToArray().Max(MathF.Abs);
                if (!(Math.Abs((double)values[i] - back[i]) <= (LargestErrors[type] * largest) + SubnormalError))
                {
                    return false.Label($"{type}, value {i}: {values[i]} became {back[i]}, largest {largest}");
                }
            }

            return true.ToProperty();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithReplay(42, 4711));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void ExtremesStayFinite(GgmlType type)
    {
        FormatUnderTest format = FormatUnderTest.Of(type);
        foreach (float size in (float[])[0, float.Epsilon, 1e-38f, 1e-30f, 1e-20f, 1e-7f, 1e-5f, 65504])
        {
            for (int kind = 0; kind <= 4; kind++)
            {
                float[] values = Draw(new Random(1), kind, size, 512);
                float[] back = format.Dequantize(format.Quantize(values));
                for (int i = 0; i < values.Length; i++)
                {
                    // What is too small for a half becomes zero or the least of the halves.
                    Assert.InRange(Math.Abs(back[i] - values[i]), 0, (LargestErrors[type] * size) + SubnormalError);
                }
            }
        }

        Assert.All(format.Dequantize(format.Quantize(new float[512])), value => Assert.Equal(0, value));
    }

    /// <summary>
    /// Against exhaustive searches with exact group scales, which no block can have. The gain of a block, whose error is meant,
    /// is taken out.
    /// </summary>
    [Theory]
    [InlineData(GgmlType.Q4_0, 1.01)]
    [InlineData(GgmlType.Q5_0, 1.02)]
    [InlineData(GgmlType.Q5_1, 1.04)]
    [InlineData(GgmlType.Q6_K, 1.06)]
    [InlineData(GgmlType.Q5_K, 1.06)]
    [InlineData(GgmlType.Q4_K, 1.05)]
    [InlineData(GgmlType.Q3_K, 1.02)]
    [InlineData(GgmlType.Q2_K, 1.05)]
    public void ErrorsOfRandomWeightsAreNearTheLeastThereAre(GgmlType type, double limit)
    {
        FormatUnderTest format = FormatUnderTest.Of(type);
        (int length, int lowest, int highest, bool hasOffset, bool isOffsetFree) = ExhaustiveFit.ShapeOf(type);
        float[] values = Draw(new Random(9), 0, 0.02f, 8 * 256);
        float[] back = format.Dequantize(format.Quantize(values));
        double ours = 0;
        double least = 0;
        for (int block = 0; block < values.Length; block += format.ValuesPerBlock)
        {
            int[] indices = [.. Enumerable.Range(block, format.ValuesPerBlock)];
            double[] weights = [.. indices.Chunk(length).SelectMany(group => ExhaustiveFit.WeightsOf(values.AsSpan(group[0], length), hasOffset))];
            double gain = indices.Sum(i => weights[i - block] * back[i] * back[i]) / indices.Sum(i => weights[i - block] * back[i] * values[i]);
            ours += indices.Sum(i => weights[i - block] * Math.Pow(values[i] - (back[i] / gain), 2));
        }

        for (int i = 0; i < values.Length; i += length)
        {
            least += hasOffset
                ? ExhaustiveFit.LeastAffineError(values.AsSpan(i, length), highest, isOffsetFree)
                : ExhaustiveFit.LeastSymmetricError(values.AsSpan(i, length), lowest, highest);
        }

        double ratio = Math.Sqrt(ours / least);
        TestContext.Current.TestOutputHelper?.WriteLine($"{type}: error {ratio:F4} of the least");
        Assert.InRange(ratio, 0.98, limit);
    }

    /// <summary>Of every block, all of the direction of its original is left: products with activations shrink nowhere.</summary>
    [Theory]
    [MemberData(nameof(FittedTypes))]
    public void BlocksAreNotAttenuated(GgmlType type)
    {
        FormatUnderTest format = FormatUnderTest.Of(type);
        float[] values = Draw(new Random(5), 0, 0.02f, 16 * 256);
        float[] back = format.Dequantize(format.Quantize(values));
        int length = Math.Max(format.ValuesPerBlock, 32);
        for (int block = 0; block < values.Length; block += length)
        {
            int[] indices = [.. Enumerable.Range(block, length)];
            double left = indices.Sum(i => (double)values[i] * back[i]) / indices.Sum(i => (double)values[i] * values[i]);

            // Half scales have 11 bits.
            Assert.InRange(left, 0.998, 1.002);
        }
    }

    /// <summary>Random values: of a bell curve, uniform, with an outlier, of one sign, or all the same.</summary>
    internal static float[] Draw(Random random, int kind, float size, int count)
    {
        float sign = random.Next(2) == 0 ? -1 : 1;
        return [.. Enumerable.Range(0, count).Select(i => size * kind switch
        {
            0 => Math.Clamp((random.NextSingle() + random.NextSingle() + random.NextSingle() + random.NextSingle() - 2) * 0.8f, -1, 1),
            1 => (2 * random.NextSingle()) - 1,
            2 => i % 100 == 17 ? sign : (random.NextSingle() - 0.5f) * 0.05f,
            3 => sign * random.NextSingle(),
            _ => sign,
        })];
    }
}
