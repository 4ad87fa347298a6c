using CpuMoe.Blocks;
using CpuMoe.Gguf;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Blocks;

/// <summary>
/// Every dot product of every format against a sum in double precision over the dequantised weights and activations.
/// Weights and activations end at guard pages, so that a read past the last block ends the test process.
/// </summary>
public unsafe class DotTests
{
    public static MatrixTheoryData<GgmlType, DotPath> TypesAndPaths => new(TestRows.Types, Enum.GetValues<DotPath>());

    public static TheoryData<GgmlType> Types => [.. TestRows.Types];

    [Theory]
    [MemberData(nameof(TypesAndPaths))]
    public void RandomRows(GgmlType type, DotPath path)
    {
        path.Require();
        FormatUnderTest format = FormatUnderTest.Of(type);
        Random random = new(1);
        foreach (int n in (int[])[format.ValuesPerBlock, 17, 32, 96, 256, 1408, 1536, 4096, 5120, 10240, 10944, 12288])
        {
            if (n % format.ValuesPerBlock == 0)
            {
                Check(format, path, TestRows.Random(format, n / format.ValuesPerBlock, random), Normal(n, random));
            }
        }
    }

    [Theory]
    [MemberData(nameof(TypesAndPaths))]
    public void CodesAndScalesAtTheirEnds(GgmlType type, DotPath path)
    {
        path.Require();
        FormatUnderTest format = FormatUnderTest.Of(type);
        Random random = new(2);
        const int N = 512;
        float[][] activations =
        [
            [.. Enumerable.Repeat(1f, N)],
            [.. Enumerable.Repeat(-1f, N)],
            [.. Enumerable.Range(0, N).Select(i => i % 2 == 0 ? 1f : -1f)],
            new float[N],
            Normal(N, random),
        ];
        Half[] scales = [Half.MaxValue, Half.MinValue, Half.Epsilon, -Half.Epsilon, (Half)0f, (Half)(-0f), Half.One];
        foreach (byte code in (byte[])[0x00, 0xff, 0x80, 0x7f, 0x55, 0xaa, 0x0f, 0xf0])
        {
            foreach (Half scale in scales)
            {
                foreach (float[] values in activations)
                {
                    byte[] row = TestRows.Constant(format, N / format.ValuesPerBlock, code, scale);

                    // Here a minimum may cancel its code exactly, which leaves the rounding of the two parts.
                    Check(format, path, row, values, TestRows.WithoutMinima(format, row));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(TypesAndPaths))]
    public void IntegersAreExact(GgmlType type, DotPath path)
    {
        path.Require();
        FormatUnderTest format = FormatUnderTest.Of(type);
        Random random = new(3);
        int n = type == GgmlType.MXFP4 ? 32 : Math.Max(format.ValuesPerBlock, 160);
        for (int round = 0; round < 50; round++)
        {
            // With scales of one (of MXFP4: a power of two per block) all sums are integers that a float holds, in any order.
            float[] values = [.. Enumerable.Range(0, n).Select(i => i % 32 == 0 ? 127f : random.Next(-127, 128))];
            byte[] row = TestRows.RandomCodes(format, n / format.ValuesPerBlock, random, Half.One);
            using QuantizedActivations activations = QuantizedActivations.Of(format.Activation, values);
            using GuardedBuffer weights = GuardedBuffer.Of<byte>(row);
            float expected = format.Dot(DotPath.Scalar, weights.Start, activations.Row, n / format.ValuesPerBlock);
            Assert.Equal(expected, format.Dot(path, weights.Start, activations.Row, n / format.ValuesPerBlock));
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void ColumnsTogetherHaveTheBitsOfEachAlone(GgmlType type)
    {
        DotPath.Vector512.Require();
        FormatUnderTest format = FormatUnderTest.Of(type);
        Random random = new(4);
        foreach (int n in (int[])[format.ValuesPerBlock, 256, 768, 1408, 1536, 4096])
        {
            if (n % format.ValuesPerBlock != 0)
            {
                continue;
            }

            int blocks = n / format.ValuesPerBlock;
            using GuardedBuffer weights = GuardedBuffer.Of<byte>(TestRows.Random(format, blocks, random));
            QuantizedActivations[] activations = [.. Enumerable.Range(0, 4).Select(_ => QuantizedActivations.Of(format.Activation, Normal(n, random)))];
            ActivationRow[] rows = [.. activations.Select(activation => activation.Row)];
            for (int count = 1; count <= 4; count++)
            {
                const int Stride = 3;
                float[] results = [.. Enumerable.Repeat(float.NaN, 4 * Stride)];
                fixed (float* first = results)
                {
                    format.DotColumns512(weights.Start, rows.AsSpan(0, count), blocks, first, Stride);
                }

                for (int i = 0; i < results.Length; i++)
                {
                    bool written = i % Stride == 0 && i / Stride < count;
                    float expected = written ? format.Dot(DotPath.Vector512, weights.Start, rows[i / Stride], blocks) : float.NaN;
                    Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(results[i]));
                }
            }

            Array.ForEach(activations, activation => activation.Dispose());
        }
    }

    /// <summary>The error may be 1e-5 of the sum of the magnitudes, counting the parts with and without minima where both are given.</summary>
    private static void Check(FormatUnderTest format, DotPath path, byte[] row, float[] values, byte[]? withoutMinima = null)
    {
        using QuantizedActivations activations = QuantizedActivations.Of(format.Activation, values);
        using GuardedBuffer weights = GuardedBuffer.Of<byte>(row);
        float[] dequantized = format.Dequantize(row);
        float[] parts = format.Dequantize(withoutMinima ?? row);

        double expected = 0;
        double magnitude = 0;
        for (int i = 0; i < values.Length; i++)
        {
            double product = dequantized[i] * activations[i];
            expected += product;
            magnitude += (Math.Abs(parts[i]) + Math.Abs(dequantized[i] - parts[i])) * Math.Abs(activations[i]);
        }

        float actual = format.Dot(path, weights.Start, activations.Row, values.Length / format.ValuesPerBlock);
        Assert.True(
            Math.Abs(actual - expected) <= 1e-5 * magnitude,
            $"{format.Type} {path} n={values.Length}: {actual:R} instead of {expected:R}, sum of magnitudes {magnitude:R}");
    }

    private static float[] Normal(int n, Random random)
        => [.. Enumerable.Range(0, n).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
}
