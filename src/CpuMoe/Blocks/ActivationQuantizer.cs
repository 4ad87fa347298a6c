using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>Brings activations into the form in which a weight format wants them.</summary>
/// <remarks>
/// A block of 32 or 256 values x becomes codes round(127 x / amax), halves to even, with the scale amax / 127, amax
/// being the largest magnitude of the block. A block whose amax is below 1e-36 becomes all zero. A block with a NaN or
/// an infinity gets the scale NaN and codes of zero, so that the fault shows in every result it takes part in.
/// </remarks>
internal static unsafe partial class ActivationQuantizer
{
    private const float SmallestMagnitude = 1e-36f;

    /// <summary>Converts <paramref name="n"/> floats; <paramref name="n"/> is a multiple of the format's block length.</summary>
    /// <param name="format">Decides which arrays of <paramref name="destination"/> are written: the values, or codes, scales and sums.</param>
    /// <param name="values">The floats; only read.</param>
    /// <param name="n">How many.</param>
    /// <param name="destination">
    /// Room for n values, or n codes (in a second order too, where <see cref="ActivationRow.Apart"/> is there), n / 32 or n / 256 scales and n / 16 sums.
    /// </param>
    public static void Quantize(ActivationFormat format, float* values, int n, ActivationRow destination)
    {
        if (format == ActivationFormat.F32)
        {
            if (values != destination.Values)
            {
                Buffer.MemoryCopy(values, destination.Values, (long)n * sizeof(float), (long)n * sizeof(float));
            }

            return;
        }

        int length = format == ActivationFormat.Q8Per32 ? 32 : 256;
        if (Avx512BW.IsSupported)
        {
            Quantize512(values, n, length, destination);
        }
        else if (Avx2.IsSupported)
        {
            Quantize256(values, n, length, destination);
        }
        else if (Vector128.IsHardwareAccelerated)
        {
            Quantize128(values, n, length, destination);
        }
        else
        {
            QuantizeScalar(values, n, length, destination);
        }
    }

    /// <summary>The definition of the codes, scales and sums, for blocks of <paramref name="length"/> values (32 or 256).</summary>
    internal static void QuantizeScalar(float* values, int n, int length, ActivationRow destination)
    {
        for (int first = 0; first < n; first += length)
        {
            int amaxBits = 0;
            for (int i = first; i < first + length; i++)
            {
                amaxBits = Math.Max(amaxBits, BitConverter.SingleToInt32Bits(values[i]) & int.MaxValue);
            }

            if (!TryScale(amaxBits, out destination.Scales[first / length], out float inverse))
            {
                ClearCodes(first, length, destination);
                continue;
            }

            for (int i = first; i < first + length; i += 16)
            {
                int sum = 0;
                for (int j = i; j < i + 16; j++)
                {
                    int code = (int)MathF.Round(values[j] * inverse);
                    destination.Codes[j] = (sbyte)code;
                    if (destination.Apart != null)
                    {
                        destination.Apart[ActivationRow.PlaceApart(j, length)] = (sbyte)code;
                    }

                    sum += code;
                }

                destination.Sums[i / 16] = (short)sum;
            }
        }
    }

    /// <summary>
    /// The scale of a block and its inverse, from the largest magnitude as the bits of a float (whose order is that of
    /// the numbers, with infinity and NaN above all); false when all codes of the block are zero.
    /// </summary>
    private static bool TryScale(int amaxBits, out float scale, out float inverse)
    {
        float amax = BitConverter.Int32BitsToSingle(amaxBits);
        scale = 0;
        inverse = 0;
        if (!float.IsFinite(amax))
        {
            scale = float.NaN;
            return false;
        }

        if (amax < SmallestMagnitude)
        {
            return false;
        }

        scale = amax / 127;
        inverse = 127 / amax;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreCodes(Vector128<sbyte> codes, int i, int length, in ActivationRow destination)
    {
        codes.Store(destination.Codes + i);
        if (destination.Apart != null)
        {
            codes.Store(destination.Apart + ActivationRow.PlaceApart(i, length));
        }
    }

    private static void ClearCodes(int first, int length, ActivationRow destination)
    {
        for (int i = first; i < first + length; i += 16)
        {
            StoreCodes(default, i, length, destination);
        }

        new Span<short>(destination.Sums + (first / 16), length / 16).Clear();
    }
}
