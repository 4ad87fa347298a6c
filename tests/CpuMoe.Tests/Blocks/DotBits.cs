using System.Security.Cryptography;
using CpuMoe.Gguf;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Blocks;

/// <summary>The bits of the 256-bit dot products, for processes with other instructions to compare.</summary>
internal static unsafe class DotBits
{
    /// <summary>The environment variable by which a process tells its child what <see cref="OfAllTypes"/> gave.</summary>
    public const string Variable = "CPUMOE_TEST_DOT_BITS";

    /// <summary>A hash of the results of every format, on rows of many lengths.</summary>
    public static string OfAllTypes() => string.Join(' ', TestRows.Types.Select(type => $"{type}:{OfType(type)}"));

    private static string OfType(GgmlType type)
    {
        FormatUnderTest format = FormatUnderTest.Of(type);
        Random random = new(5);
        List<byte> bits = [];
        for (int round = 0; round < 400; round++)
        {
            int blocks = 1 + (round % 37);
            float[] values = [.. Enumerable.Range(0, blocks * format.ValuesPerBlock).Select(_ => random.NextSingle() - 0.5f)];
            using QuantizedActivations activations = QuantizedActivations.Of(format.Activation, values);
            using GuardedBuffer weights = GuardedBuffer.Of<byte>(TestRows.Random(format, blocks, random));
            bits.AddRange(BitConverter.GetBytes(format.Dot(DotPath.Vector256, weights.Start, activations.Row, blocks)));
        }

        return Convert.ToHexString(SHA256.HashData([.. bits]).AsSpan(0, 8));
    }
}
