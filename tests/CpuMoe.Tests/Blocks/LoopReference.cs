using System.Buffers.Binary;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Blocks;

/// <summary>
/// A second implementation of every block format, walking through the packed bytes in their order and writing the
/// values where they belong, where the engine asks for one value at a time. Slow and independent on purpose.
/// </summary>
internal static class LoopReference
{
    private static readonly int[] TableIQ4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
    private static readonly float[] E2M1 = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6];

    /// <summary>The values of one block.</summary>
    public static float[] Dequantize(GgmlType type, ReadOnlySpan<byte> b) => type switch
    {
        GgmlType.F32 => [BinaryPrimitives.ReadSingleLittleEndian(b)],
        GgmlType.F16 => [Half(b, 0)],
        GgmlType.BF16 => [BitConverter.ToSingle([0, 0, b[0], b[1]])],
        GgmlType.Q4_0 => Block32(b, Nibbles(b[2..]), q => q - 8),
        GgmlType.Q4_1 => Block32(b, Nibbles(b[4..]), Plain, Half(b, 2)),
        GgmlType.Q5_0 => Block32(b, WithFifthBits(Nibbles(b[6..]), b.Slice(2, 4)), q => q - 16),
        GgmlType.Q5_1 => Block32(b, WithFifthBits(Nibbles(b[8..]), b.Slice(4, 4)), Plain, Half(b, 2)),
        GgmlType.Q6_0 => Block32(b, Q6_0Codes(b), q => q - 32),
        GgmlType.Q8_0 => Block32(b, [.. b[2..].ToArray().Select(q => (int)(sbyte)q)], Plain),
        GgmlType.IQ4_NL => Block32(b, Nibbles(b[2..]), q => TableIQ4[q]),
        GgmlType.MXFP4 => [.. Mxfp4(b)],
        GgmlType.Q2_K => Q2K(b),
        GgmlType.Q3_K => Q3K(b),
        GgmlType.Q4_K => FourOrFiveBits(b, b.Slice(4, 12), b[16..], default),
        GgmlType.Q5_K => FourOrFiveBits(b, b.Slice(4, 12), b[48..], b.Slice(16, 32)),
        GgmlType.Q6_K => Q6K(b),
        GgmlType.IQ4_XS => IQ4XS(b),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static float Half(ReadOnlySpan<byte> block, int offset) => (float)BinaryPrimitives.ReadHalfLittleEndian(block[offset..]);

    private static int Plain(int code) => code;

    private static float[] Block32(ReadOnlySpan<byte> block, int[] codes, Func<int, int> meaning, float? offset = null)
    {
        float d = Half(block, 0);
        return [.. codes.Select(q => offset is float m ? (d * meaning(q)) + m : d * meaning(q))];
    }

    private static int[] Nibbles(ReadOnlySpan<byte> packed)
    {
        int[] codes = new int[32];
        for (int j = 0; j < 16; j++)
        {
            codes[j] = packed[j] % 16;
            codes[j + 16] = packed[j] / 16;
        }

        return codes;
    }

    private static int[] WithFifthBits(int[] codes, ReadOnlySpan<byte> bits)
    {
        for (int i = 0; i < 32; i++)
        {
            codes[i] += (bits[i / 8] & (1 << (i % 8))) != 0 ? 16 : 0;
        }

        return codes;
    }

    private static int[] Q6_0Codes(ReadOnlySpan<byte> block)
    {
        int[] codes = Nibbles(block[10..]);
        for (int j = 0; j < 8; j++)
        {
            byte high = block[2 + j];
            codes[j] += 16 * (high & 3);
            codes[j + 16] += 16 * ((high >> 2) & 3);
            codes[j + 8] += 16 * ((high >> 4) & 3);
            codes[j + 24] += 16 * (high >> 6);
        }

        return codes;
    }

    private static IEnumerable<float> Mxfp4(ReadOnlySpan<byte> block)
    {
        double scale = Math.Pow(2, block[0] - 127);
        return Nibbles(block[1..]).Select(q => q == 8 ? 0 : (float)(scale * E2M1[q]));
    }

    private static float[] Q2K(ReadOnlySpan<byte> block)
    {
        float[] y = new float[256];
        float d = Half(block, 80), dmin = Half(block, 82);
        int n = 0;
        for (int half = 0; half < 2; half++)
        {
            for (int shift = 0; shift < 8; shift += 2)
            {
                for (int l = 0; l < 32; l++, n++)
                {
                    byte sc = block[n / 16];
                    float scale = d * (sc & 0xf), minimum = dmin * (sc >> 4);
                    y[n] = (scale * ((block[16 + (32 * half) + l] >> shift) & 3)) - minimum;
                }
            }
        }

        return y;
    }

    private static float[] Q3K(ReadOnlySpan<byte> block)
    {
        int[] scales = new int[16];
        for (int i = 0; i < 8; i++)
        {
            scales[i] = block[96 + i] & 0xf;
            scales[i + 8] = block[96 + i] >> 4;
        }

        for (int i = 0; i < 4; i++)
        {
            for (int quarter = 0; quarter < 4; quarter++)
            {
                scales[(4 * quarter) + i] += 16 * ((block[104 + i] >> (2 * quarter)) & 3);
            }
        }

        float[] y = new float[256];
        float d = Half(block, 108);
        int n = 0;
        byte plane = 1;
        for (int half = 0; half < 2; half++)
        {
            for (int shift = 0; shift < 8; shift += 2, plane <<= 1)
            {
                for (int l = 0; l < 32; l++, n++)
                {
                    float scale = d * (scales[n / 16] - 32);
                    y[n] = scale * (((block[32 + (32 * half) + l] >> shift) & 3) - ((block[l] & plane) != 0 ? 0 : 4));
                }
            }
        }

        return y;
    }

    private static float[] FourOrFiveBits(ReadOnlySpan<byte> block, ReadOnlySpan<byte> packedScales, ReadOnlySpan<byte> low, ReadOnlySpan<byte> fifth)
    {
        (int[] scales, int[] minima) = UnpackSixBits(packedScales);
        float[] y = new float[256];
        float d = Half(block, 0), dmin = Half(block, 2);
        for (int i = 0; i < 128; i++)
        {
            int even = 2 * (i / 32);
            int first = (64 * (i / 32)) + (i % 32);
            int q0 = low[i] & 0xf, q1 = low[i] >> 4;
            if (!fifth.IsEmpty)
            {
                q0 += 16 * ((fifth[i % 32] >> even) & 1);
                q1 += 16 * ((fifth[i % 32] >> (even + 1)) & 1);
            }

            float scale0 = d * scales[even], minimum0 = dmin * minima[even];
            float scale1 = d * scales[even + 1], minimum1 = dmin * minima[even + 1];
            y[first] = (scale0 * q0) - minimum0;
            y[first + 32] = (scale1 * q1) - minimum1;
        }

        return y;
    }

    /// <summary>The scales and minima of the 12 bytes of Q4_K and Q5_K.</summary>
    public static (int[] Scales, int[] Minima) UnpackSixBits(ReadOnlySpan<byte> packed)
    {
        int[] scales = new int[8], minima = new int[8];
        for (int j = 0; j < 4; j++)
        {
            scales[j] = packed[j] % 64;
            minima[j] = packed[4 + j] % 64;
            scales[4 + j] = (packed[8 + j] % 16) + (packed[j] / 64 * 16);
            minima[4 + j] = (packed[8 + j] / 16) + (packed[4 + j] / 64 * 16);
        }

        return (scales, minima);
    }

    private static float[] Q6K(ReadOnlySpan<byte> block)
    {
        float[] y = new float[256];
        float d = Half(block, 208);
        for (int half = 0; half < 2; half++)
        {
            ReadOnlySpan<byte> ql = block[(64 * half)..], qh = block[(128 + (32 * half))..];
            for (int l = 0; l < 32; l++)
            {
                int[] codes =
                [
                    (ql[l] & 0xf) | ((qh[l] & 3) << 4),
                    (ql[l + 32] & 0xf) | (((qh[l] >> 2) & 3) << 4),
                    (ql[l] >> 4) | (((qh[l] >> 4) & 3) << 4),
                    (ql[l + 32] >> 4) | ((qh[l] >> 6) << 4),
                ];
                for (int k = 0; k < 4; k++)
                {
                    int n = (128 * half) + (32 * k) + l;
                    y[n] = d * (sbyte)block[192 + (n / 16)] * (codes[k] - 32);
                }
            }
        }

        return y;
    }

    private static float[] IQ4XS(ReadOnlySpan<byte> block)
    {
        float[] y = new float[256];
        float d = Half(block, 0);
        int high = block[2] | (block[3] << 8);
        for (int group = 0; group < 8; group++, high >>= 2)
        {
            int low = group % 2 == 0 ? block[4 + (group / 2)] & 0xf : block[4 + (group / 2)] >> 4;
            float scale = d * ((low | ((high & 3) << 4)) - 32);
            int[] codes = Nibbles(block[(8 + (16 * group))..]);
            for (int i = 0; i < 32; i++)
            {
                y[(32 * group) + i] = scale * TableIQ4[codes[i]];
            }
        }

        return y;
    }
}
