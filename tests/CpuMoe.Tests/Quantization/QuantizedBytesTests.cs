using System.Security.Cryptography;
using CpuMoe.Gguf;
using CpuMoe.Quantization;
using CpuMoe.Tests.Blocks;

namespace CpuMoe.Tests.Quantization;

/// <summary>Quantising is exact arithmetic in a fixed order, whatever vectors a machine has.</summary>
public class QuantizedBytesTests
{
    [Fact]
    public void TheBytesAreTheSameOnEveryMachine()
    {
        float[] values = QuantizeTests.Draw(new Random(3), 0, 0.05f, 16 * 256);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (GgmlType type in ModelQuantizer.WritableTypes.Order())
        {
            hash.AppendData(FormatUnderTest.Of(type).Quantize(values));
        }

        Assert.StartsWith("07D9392C9379F429AA9FB35B4383AC44", Convert.ToHexString(hash.GetHashAndReset()), StringComparison.Ordinal);
    }
}
