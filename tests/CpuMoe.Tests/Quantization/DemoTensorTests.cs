using CpuMoe.Gguf;
using CpuMoe.Testing;
using CpuMoe.Tests.Blocks;

namespace CpuMoe.Tests.Quantization;

/// <summary>The demo model's weights, tensor by tensor, against the same tensors quantised by llama-quantize.</summary>
public class DemoTensorTests
{
    /// <summary>What the error of a tensor may be, relative to that of llama-quantize.</summary>
    private const double Limit = 1.05;

    public static TheoryData<string> Mixes => ["Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q2_K"];

    [Theory]
    [MemberData(nameof(Mixes))]
    public void ErrorsAreNotLargerThanThoseOfLlamaQuantize(string mix)
    {
        using GgufFile source = GgufFile.Open(TestData.DemoModelOf("f16"));
        using GgufFile theirs = GgufFile.Open(TestData.DemoModelOf(mix));
        Dictionary<GgmlType, List<double>> ratios = [];
        foreach (GgufTensor tensor in theirs.Tensors)
        {
            FormatUnderTest format = FormatUnderTest.Of(tensor.Type);
            if (tensor.Type == GgmlType.F32)
            {
                continue;
            }

            Assert.True(source.TryGetTensor(tensor.Name, out GgufTensor? original));
            float[] values = FormatUnderTest.Of(original.Type).Dequantize(original.Bytes);
            byte[] ours = format.Quantize(values);
            double ratio = Rmse(values, format.Dequantize(ours)) / Rmse(values, format.Dequantize(tensor.Bytes));
            Assert.True(ratio <= Limit, $"{tensor.Name}: {tensor.Type}, {ratio:F4} of the reference's error.");
            if (!ratios.TryGetValue(tensor.Type, out List<double>? ofType))
            {
                ratios.Add(tensor.Type, ofType = []);
            }

            ofType.Add(ratio);
            if (tensor.Type == GgmlType.Q8_0)
            {
                Assert.True(tensor.Bytes.SequenceEqual(ours), $"{tensor.Name}: other bytes than the reference's.");
            }
        }

        foreach ((GgmlType type, List<double> all) in ratios)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{mix}: {type} {all.Count} tensors, error {all.Min():F4} to {all.Max():F4} of llama-quantize's, mean {all.Average():F4}");
        }
    }

    private static double Rmse(float[] expected, float[] actual)
    {
        double sum = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double error = (double)expected[i] - actual[i];
            sum += error * error;
        }

        return Math.Sqrt(sum / expected.Length);
    }
}
