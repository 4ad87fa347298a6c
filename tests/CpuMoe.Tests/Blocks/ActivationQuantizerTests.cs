using CpuMoe.Blocks;

namespace CpuMoe.Tests.Blocks;

/// <summary>The codes, scales and sums that activations become.</summary>
public unsafe class ActivationQuantizerTests
{
    private static readonly ActivationFormat[] CodedFormats = [ActivationFormat.Q8Per32, ActivationFormat.Q8Per256];

    public static TheoryData<DotPath> VectorPaths => [DotPath.Vector128, DotPath.Vector256, DotPath.Vector512];

    [Fact]
    public void EveryValueIsWithinHalfAStepOfItsCode()
    {
        foreach (ActivationFormat format in CodedFormats)
        {
            foreach (float[] values in FiniteInputs())
            {
                using QuantizedActivations activations = QuantizedActivations.Of(format, values, ActivationQuantizer.QuantizeScalar);
                int length = QuantizedActivations.ValuesPerScale(format);
                for (int i = 0; i < values.Length; i++)
                {
                    float amax = values.AsSpan(i / length * length, length).ToArray().Max(MathF.Abs);
                    Assert.Equal(amax < 1e-36f ? 0 : amax / 127, activations.Scales[i / length]);
                    Assert.InRange(activations.Codes[i], -127, 127);
                    Assert.InRange(Math.Abs(values[i] - activations[i]), 0, amax < 1e-36f ? amax : amax / 127 * 0.50001);
                }

                for (int i = 0; i < values.Length; i += 16)
                {
                    Assert.Equal(activations.Codes.Slice(i, 16).ToArray().Sum(c => c), activations.Sums[i / 16]);
                }
            }
        }
    }

    [Fact]
    public void TheSecondOrderIsThatOfThe512BitProducts()
    {
        foreach (float[] values in FiniteInputs())
        {
            using QuantizedActivations per256 = QuantizedActivations.Of(ActivationFormat.Q8Per256, values);
            sbyte[] swapped = [.. per256.Codes.ToArray().Chunk(32).Chunk(4).SelectMany(four => (sbyte[])[.. four[0], .. four[2], .. four[1], .. four[3]])];
            Assert.Equal(swapped, per256.Apart);

            using QuantizedActivations per32 = QuantizedActivations.Of(ActivationFormat.Q8Per32, values);
            sbyte[] halves = [.. per32.Codes.ToArray().Chunk(32).Chunk(4).SelectMany(four => four.SelectMany(block => block[..16]).Concat(four.SelectMany(block => block[16..])))];
            Assert.Equal(halves, per32.Apart);
        }
    }

    [Fact]
    public void HalvesGoToTheEvenCode()
    {
        float[] values = new float[32];
        float[] start = [127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -126.5f];
        start.CopyTo(values, 0);
        using QuantizedActivations activations = QuantizedActivations.Of(ActivationFormat.Q8Per32, values);
        Assert.Equal(1f, activations.Scales[0]);
        Assert.Equal([127, 0, 2, 2, 0, -2, -126], activations.Codes[..7].ToArray());
    }

    [Fact]
    public void AFaultInTheInputShowsInItsBlockOnly()
    {
        foreach (float fault in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            float[] values = [.. Enumerable.Range(0, 96).Select(i => i == 40 ? fault : i)];
            using QuantizedActivations activations = QuantizedActivations.Of(ActivationFormat.Q8Per32, values);
            Assert.Equal([31f / 127, float.NaN, 95f / 127], activations.Scales);
            Assert.True(activations.Codes.Slice(32, 32).IndexOfAnyExcept((sbyte)0) < 0);
            Assert.Equal([0, 0], activations.Sums.Slice(2, 2).ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(VectorPaths))]
    public void VectorPathsAreBitEqualToTheScalarOne(DotPath path)
    {
        path.Require();
        QuantizedActivations.Quantizer quantizer = path switch
        {
            DotPath.Vector128 => ActivationQuantizer.Quantize128,
            DotPath.Vector256 => ActivationQuantizer.Quantize256,
            _ => ActivationQuantizer.Quantize512,
        };
        float[] faults = new float[768];
        faults[0] = float.NaN;
        faults[300] = float.NegativeInfinity;
        foreach (ActivationFormat format in CodedFormats)
        {
            foreach (float[] values in FiniteInputs().Append(faults))
            {
                using QuantizedActivations expected = QuantizedActivations.Of(format, values, ActivationQuantizer.QuantizeScalar);
                using QuantizedActivations actual = QuantizedActivations.Of(format, values, quantizer);
                Assert.Equal(expected.Scales, actual.Scales);
                Assert.Equal(expected.Codes, actual.Codes);
                Assert.Equal(expected.Apart, actual.Apart);
                Assert.Equal(expected.Sums, actual.Sums);
            }
        }
    }

    [Fact]
    public void PlainFloatsAreCopied()
    {
        float[] values = [1, float.NaN, -0f, 1e-40f, float.MaxValue];
        using QuantizedActivations activations = QuantizedActivations.Of(ActivationFormat.F32, values);
        Assert.Equal(values, new ReadOnlySpan<float>(activations.Row.Values, values.Length));
    }

    /// <summary>Multiples of 256 finite values: of every size, with ties, zeros of both signs and blocks of zeros.</summary>
    private static IEnumerable<float[]> FiniteInputs()
    {
        Random random = new(3);
        yield return new float[256];
        yield return [.. Enumerable.Repeat(-0f, 256)];
        yield return [.. Enumerable.Repeat(-3.25f, 256)];
        yield return [.. Enumerable.Range(0, 256).Select(i => (i - 128) * 0.5f)];
        yield return [.. Enumerable.Range(0, 512).Select(_ => random.NextSingle() - 0.5f)];
        foreach (float size in (float[])[float.MaxValue, 1e30f, 1e-30f, 1.1e-36f, 0.9e-36f, float.Epsilon])
        {
            yield return [.. Enumerable.Range(0, 256).Select(i => i == 77 ? size : (random.NextSingle() - 0.5f) * size)];
        }
    }
}
