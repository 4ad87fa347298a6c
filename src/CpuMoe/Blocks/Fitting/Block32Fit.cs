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
        (Vector256<float> scales, Vector256<float> offsets) = Fit(tile);
        for (int b = 0; b < count; b++)
        {
            scales = scales.WithElement(b, (float)HalfScale.Nearest(scales[b]));
            offsets = offsets.WithElement(b, (float)HalfScale.Nearest(offsets[b]));
        }

        // The codes go by the scales as halves.
        new Span<byte>(blocks, count * TFormat.BytesPerBlock).Clear();
        int* codes = stackalloc int[Lanes.Count];
        Vector256<float> inverse = Lanes.Divide(Vector256<float>.One, scales);
        Vector256<float> squares = Vector256<float>.Zero, products = squares;
        for (int i = 0; i < Length; i++)
        {
            Vector256<float> x = tile[i];
            Vector256<float> code = Lanes.Code((x - offsets) * inverse, Vector256.Create((float)TFormat.LowestCode), Vector256.Create((float)TFormat.HighestCode));
            squares += x * x;
            products += x * ((scales * code) + offsets);
            Vector256.ConvertToInt32Native(code).Store(codes);
            for (int b = 0; b < count; b++)
            {
                TFormat.SetCode(blocks + (b * TFormat.BytesPerBlock), i, codes[b]);
            }
        }

        for (int b = 0; b < count; b++)
        {
            byte* block = blocks + (b * TFormat.BytesPerBlock);
            float gain = Attenuation.Gain(squares[b], products[b]);
            TFormat.SetScale(block, HalfScale.Nearest(gain * scales[b]));
            TFormat.SetOffset(block, HalfScale.Nearest(gain * offsets[b]));
        }
    }

    [SkipLocalsInit]
    private static (Vector256<float> Scales, Vector256<float> Offsets) Fit(Vector256<float>* tile)
    {
        if (TFormat.HasOffset)
        {
            return AffineFit.Lines(tile, Length, TFormat.HighestCode, allowPositiveOffsets: true);
        }

        Vector256<float>* weights = stackalloc Vector256<float>[Length];
        SymmetricFit.Weigh(tile, Length, weights);
        return (SymmetricFit.Scales(tile, weights, Length, TFormat.LowestCode, TFormat.HighestCode), Vector256<float>.Zero);
    }
}
