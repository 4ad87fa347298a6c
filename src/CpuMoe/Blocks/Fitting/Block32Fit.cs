using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks.Fitting;

/// <summary>Writes blocks of 32 values, eight at a time.</summary>
/// <typeparam name="TFormat">Their format.</typeparam>
internal static unsafe class Block32Fit<TFormat>
    where TFormat : struct, IWritableBlock32<TFormat>
{
    private const int Length = 32;

    /// <summary>See <see cref="IBlockFormat{TSelf}.Quantize"/>.</summary>
    [SkipLocalsInit]
    public static void Quantize(float* values, int blocks, byte* row)
    {
        float* padded = stackalloc float[Lanes.Count * Length];
        for (int b = 0; b < blocks; b += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, blocks - b);
            float* source = values + (Length * b);
            if (count < Lanes.Count)
            {
                Span<float> last = new(padded, Lanes.Count * Length);
                last.Clear();
                new ReadOnlySpan<float>(source, count * Length).CopyTo(last);
                source = padded;
            }

            QuantizeEight(source, row + (b * TFormat.BytesPerBlock), count);
        }
    }

    [SkipLocalsInit]
    private static void QuantizeEight(float* values, byte* blocks, int count)
    {
        Vector256<float>* tile = stackalloc Vector256<float>[Length];
        Lanes.Load(values, Length, tile);
        (Vector256<float> scales, Vector256<float> offsets) = TFormat.HasOffset
            ? AffineFit.Lines(tile, Length, TFormat.HighestCode, allowPositiveOffsets: true)
            : (SymmetricFit.Scales(tile, Length, TFormat.LowestCode, TFormat.HighestCode), Vector256<float>.Zero);

        new Span<byte>(blocks, count * TFormat.BytesPerBlock).Clear();
        for (int b = 0; b < count; b++)
        {
            byte* block = blocks + (b * TFormat.BytesPerBlock);
            Half scale = HalfScale.Nearest(scales[b]);
            Half offset = HalfScale.Nearest(offsets[b]);
            TFormat.SetScale(block, scale);
            TFormat.SetOffset(block, offset);
            scales = scales.WithElement(b, (float)scale);
            offsets = offsets.WithElement(b, (float)offset);
        }

        // The codes go by the scales as they are stored.
        int* codes = stackalloc int[Lanes.Count];
        Vector256<float> inverse = Lanes.Divide(Vector256<float>.One, scales);
        for (int i = 0; i < Length; i++)
        {
            Vector256<float> code = Lanes.Code((tile[i] - offsets) * inverse, Vector256.Create((float)TFormat.LowestCode), Vector256.Create((float)TFormat.HighestCode));
            Vector256.ConvertToInt32Native(code).Store(codes);
            for (int b = 0; b < count; b++)
            {
                TFormat.SetCode(blocks + (b * TFormat.BytesPerBlock), i, codes[b]);
            }
        }
    }
}
