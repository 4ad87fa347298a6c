using System.Buffers.Binary;
using CpuMoe.Blocks;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Blocks;

/// <summary>Rows of weights for the tests: any bytes as codes, finite numbers as scales.</summary>
internal static class TestRows
{
    /// <summary>Where the blocks of a type keep half floats.</summary>
    private static readonly Dictionary<GgmlType, int[]> HalfOffsets = new()
    {
        [GgmlType.F16] = [0],
        [GgmlType.Q4_0] = [0],
        [GgmlType.Q4_1] = [0, 2],
        [GgmlType.Q5_0] = [0],
        [GgmlType.Q5_1] = [0, 2],
        [GgmlType.Q6_0] = [0],
        [GgmlType.Q8_0] = [0],
        [GgmlType.IQ4_NL] = [0],
        [GgmlType.Q2_K] = [80, 82],
        [GgmlType.Q3_K] = [108],
        [GgmlType.Q4_K] = [0, 2],
        [GgmlType.Q5_K] = [0, 2],
        [GgmlType.Q6_K] = [208],
        [GgmlType.IQ4_XS] = [0],
    };

    /// <summary>The supported types, as data of a theory.</summary>
    public static IEnumerable<GgmlType> Types => BlockFormats.Supported;

    /// <summary>Random codes with scales around one hundredth, of either sign.</summary>
    public static byte[] Random(FormatUnderTest format, int blocks, Random random)
        => Build(format, blocks, random.NextBytes, () => (Half)((random.NextSingle() - 0.5f) * 0.02f));

    /// <summary>Random codes, every scale the same.</summary>
    public static byte[] RandomCodes(FormatUnderTest format, int blocks, Random random, Half scale)
        => Build(format, blocks, random.NextBytes, () => scale);

    /// <summary>Every code byte the same and every scale the same.</summary>
    public static byte[] Constant(FormatUnderTest format, int blocks, byte code, Half scale)
        => Build(format, blocks, row => row.AsSpan().Fill(code), () => scale);

    /// <summary>A copy in which the scale of the minima (or the offset) of every block is zero.</summary>
    public static byte[] WithoutMinima(FormatUnderTest format, byte[] row)
    {
        byte[] copy = [.. row];
        if (HalfOffsets.TryGetValue(format.Type, out int[]? offsets) && offsets.Length == 2)
        {
            for (int first = 0; first < copy.Length; first += format.BytesPerBlock)
            {
                BinaryPrimitives.WriteHalfLittleEndian(copy.AsSpan(first + offsets[1]), (Half)0f);
            }
        }

        return copy;
    }

    private static byte[] Build(FormatUnderTest format, int blocks, Action<byte[]> fill, Func<Half> nextScale)
    {
        byte[] row = new byte[blocks * format.BytesPerBlock];
        fill(row);
        for (int b = 0; b < blocks; b++)
        {
            Span<byte> block = row.AsSpan(b * format.BytesPerBlock, format.BytesPerBlock);
            switch (format.Type)
            {
                case GgmlType.F32:
                    BinaryPrimitives.WriteSingleLittleEndian(block, (float)nextScale());
                    break;
                case GgmlType.BF16:
                    BinaryPrimitives.WriteUInt16LittleEndian(block, (ushort)(BitConverter.SingleToUInt32Bits((float)nextScale()) >> 16));
                    break;
                case GgmlType.MXFP4:
                    // Powers of two from 2^-28 to 2^3: neither a product nor a sum leaves the range of a float.
                    block[0] = (byte)(100 + (block[0] % 32));
                    break;
                default:
                    foreach (int offset in HalfOffsets[format.Type])
                    {
                        BinaryPrimitives.WriteHalfLittleEndian(block[offset..], nextScale());
                    }

                    break;
            }
        }

        return row;
    }
}
