using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal static unsafe partial class ActivationQuantizer
{
    /// <summary>As <see cref="QuantizeScalar"/>, to the bit, with 128-bit vectors.</summary>
    [SkipLocalsInit]
    internal static void Quantize128(float* values, int n, int length, ActivationRow destination)
    {
        for (int first = 0; first < n; first += length)
        {
            Vector128<int> amaxBits = Vector128<int>.Zero;
            for (int i = first; i < first + length; i += 4)
            {
                amaxBits = Vector128.Max(amaxBits, Vector128.Load((int*)(values + i)) & Vector128.Create(int.MaxValue));
            }

            if (!TryScale(Largest(amaxBits), out destination.Scales[first / length], out float inverse))
            {
                ClearCodes(first, length, destination);
                continue;
            }

            for (int i = first; i < first + length; i += 16)
            {
                Vector128<int> a = Codes128(values + i, inverse), b = Codes128(values + i + 4, inverse);
                Vector128<int> c = Codes128(values + i + 8, inverse), d = Codes128(values + i + 12, inverse);
                StoreCodes(Vector128.Narrow(Vector128.Narrow(a, b), Vector128.Narrow(c, d)), i, length, destination);
                destination.Sums[i / 16] = (short)Vector128.Sum((a + b) + (c + d));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Codes128(float* values, float inverse)
        => Vector128.ConvertToInt32Native(Vector128.Round(Vector128.Load(values) * Vector128.Create(inverse)));

    /// <summary>As <see cref="QuantizeScalar"/>, to the bit, with 256-bit vectors (AVX2).</summary>
    [SkipLocalsInit]
    internal static void Quantize256(float* values, int n, int length, ActivationRow destination)
    {
        for (int first = 0; first < n; first += length)
        {
            Vector256<int> amaxBits = Vector256<int>.Zero;
            for (int i = first; i < first + length; i += 8)
            {
                amaxBits = Avx2.Max(amaxBits, Vector256.Load((int*)(values + i)) & Vector256.Create(int.MaxValue));
            }

            if (!TryScale(Largest(Sse41.Max(amaxBits.GetLower(), amaxBits.GetUpper())), out destination.Scales[first / length], out float inverse))
            {
                ClearCodes(first, length, destination);
                continue;
            }

            for (int i = first; i < first + length; i += 16)
            {
                // The conversion rounds to nearest, halves to even, as the scalar code does.
                Vector256<int> low = Avx.ConvertToVector256Int32(Vector256.Load(values + i) * Vector256.Create(inverse));
                Vector256<int> high = Avx.ConvertToVector256Int32(Vector256.Load(values + i + 8) * Vector256.Create(inverse));
                Vector128<sbyte> codes = Sse2.PackSignedSaturate(
                    Sse2.PackSignedSaturate(low.GetLower(), low.GetUpper()),
                    Sse2.PackSignedSaturate(high.GetLower(), high.GetUpper()));
                StoreCodes(codes, i, length, destination);
                destination.Sums[i / 16] = (short)Vector256.Sum(low + high);
            }
        }
    }

    /// <summary>As <see cref="QuantizeScalar"/>, to the bit, with 512-bit vectors (AVX-512).</summary>
    [SkipLocalsInit]
    internal static void Quantize512(float* values, int n, int length, ActivationRow destination)
    {
        for (int first = 0; first < n; first += length)
        {
            Vector512<int> amaxBits = Vector512<int>.Zero;
            for (int i = first; i < first + length; i += 16)
            {
                amaxBits = Avx512F.Max(amaxBits, Vector512.Load((int*)(values + i)) & Vector512.Create(int.MaxValue));
            }

            Vector256<int> half = Avx2.Max(amaxBits.GetLower(), amaxBits.GetUpper());
            if (!TryScale(Largest(Sse41.Max(half.GetLower(), half.GetUpper())), out destination.Scales[first / length], out float inverse))
            {
                ClearCodes(first, length, destination);
                continue;
            }

            for (int i = first; i < first + length; i += 16)
            {
                Vector512<int> codes = Avx512F.ConvertToVector512Int32(Vector512.Load(values + i) * Vector512.Create(inverse));
                StoreCodes(Avx512F.ConvertToVector128SByte(codes), i, length, destination);
                destination.Sums[i / 16] = (short)Vector512.Sum(codes);
            }
        }
    }

    private static int Largest(Vector128<int> values)
    {
        Vector128<int> pairs = Vector128.Max(values, Vector128.Shuffle(values, Vector128.Create(2, 3, 0, 1)));
        return Math.Max(pairs[0], pairs[1]);
    }
}
