using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal static unsafe partial class ActivationQuantizer
{
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
                Sse2.PackSignedSaturate(
                    Sse2.PackSignedSaturate(low.GetLower(), low.GetUpper()),
                    Sse2.PackSignedSaturate(high.GetLower(), high.GetUpper())).Store(destination.Codes + i);
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
                Avx512F.ConvertToVector128SByte(codes).Store(destination.Codes + i);
                destination.Sums[i / 16] = (short)Vector512.Sum(codes);
            }
        }
    }

    private static int Largest(Vector128<int> values)
    {
        Vector128<int> pairs = Sse41.Max(values, Vector128.Shuffle(values, Vector128.Create(2, 3, 0, 1)));
        return Math.Max(pairs[0], pairs[1]);
    }
}
