using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CpuMoe.Blocks;
using CpuMoe.Compute;

namespace CpuMoe.Diagnostics;

/// <summary>How fast this machine multiplies bytes and adds the products: the limit of prefill.</summary>
/// <remarks>
/// The operands are read from the first-level cache. A kernel also has to unpack codes and apply scales, so none reaches
/// this figure.
/// </remarks>
public static class IntegerPeak
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.6);

    /// <summary>Measures the best instructions that <see cref="KernelProbe.Path"/> allows.</summary>
    /// <param name="threads">Threads that compute; 0 means one per physical core.</param>
    /// <param name="cancellationToken">Ends the measurement between two passes.</param>
    /// <returns>Operations per second of the best pass; a multiplication and its addition are two.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is negative.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static double Measure(int threads = 0, CancellationToken cancellationToken = default)
    {
        using var pool = new WorkerPool(threads);
        using var job = new Products(pool.Threads);

        // Several chunks per thread: a thread that starts late leaves some of its own to the others.
        int chunks = pool.Threads * Products.ChunksPerThread;
        TimeSpan best = BestTime.Of(() => pool.Run(job, chunks), Patience, cancellationToken);
        return 2.0 * Products.ProductsPerChunk * chunks / best.TotalSeconds;
    }

    private sealed unsafe class Products : IParallelJob, IDisposable
    {
        public const int ChunksPerThread = 4;
        public const long ProductsPerChunk = (long)Bytes * Laps;

        private const int Bytes = 4096;
        private const int Laps = 2048;

        private readonly NativeBuffer<byte> _operands = new(Bytes);
        private readonly NativeBuffer<int> _results;

        public Products(int workers)
        {
            _results = new NativeBuffer<int>(workers * 16L);
            new Span<byte>(_operands.Pointer, Bytes).Fill(1);
        }

        public void Execute(int chunk, int worker) => _results.Pointer[worker * 16L] =
            Avx512BW.IsSupported ? Multiply512(_operands.Pointer)
            : AvxVnni.IsSupported ? MultiplyVnni(_operands.Pointer)
            : Avx2.IsSupported ? Multiply256(_operands.Pointer)
            : Vector128.IsHardwareAccelerated ? Multiply128(_operands.Pointer)
            : MultiplyScalar(_operands.Pointer);

        public void Dispose()
        {
            _operands.Dispose();
            _results.Dispose();
        }

        private static int Multiply512(byte* operands)
        {
            Vector512<sbyte> factor = Vector512<sbyte>.One;
            Vector512<short> a = default, b = default, c = default, d = default, e = default, f = default, g = default, h = default;
            for (int lap = 0; lap < Laps; lap++)
            {
                for (byte* p = operands; p < operands + Bytes; p += 512)
                {
                    a = Avx512BW.Add(a, Avx512BW.MultiplyAddAdjacent(Vector512.Load(p), factor));
                    b = Avx512BW.Add(b, Avx512BW.MultiplyAddAdjacent(Vector512.Load(p + 64), factor));
                    c = Avx512BW.Add(c, Avx512BW.MultiplyAddAdjacent(Vector512.Load(p + 128), factor));
                    d = Avx512BW.Add(d, Avx512BW.MultiplyAddAdjacent(Vector512.Load(p + 192), factor));
                    e = Avx512BW.Add(e, Avx512BW.MultiplyAddAdjacent(Vector512.Load(p + 256), factor));
                    f = Avx512BW.Add(f, Avx512BW.MultiplyAddAdjacent(Vector512.Load(p + 320), factor));
                    g = Avx512BW.Add(g, Avx512BW.MultiplyAddAdjacent(Vector512.Load(p + 384), factor));
                    h = Avx512BW.Add(h, Avx512BW.MultiplyAddAdjacent(Vector512.Load(p + 448), factor));
                }
            }

            return Vector512.Sum(a + b + c + d + e + f + g + h);
        }

        private static int MultiplyVnni(byte* operands)
        {
            Vector256<sbyte> factor = Vector256<sbyte>.One;
            Vector256<int> a = default, b = default, c = default, d = default, e = default, f = default, g = default, h = default;
            for (int lap = 0; lap < Laps; lap++)
            {
                for (byte* p = operands; p < operands + Bytes; p += 256)
                {
                    a = AvxVnni.MultiplyWideningAndAdd(a, Vector256.Load(p), factor);
                    b = AvxVnni.MultiplyWideningAndAdd(b, Vector256.Load(p + 32), factor);
                    c = AvxVnni.MultiplyWideningAndAdd(c, Vector256.Load(p + 64), factor);
                    d = AvxVnni.MultiplyWideningAndAdd(d, Vector256.Load(p + 96), factor);
                    e = AvxVnni.MultiplyWideningAndAdd(e, Vector256.Load(p + 128), factor);
                    f = AvxVnni.MultiplyWideningAndAdd(f, Vector256.Load(p + 160), factor);
                    g = AvxVnni.MultiplyWideningAndAdd(g, Vector256.Load(p + 192), factor);
                    h = AvxVnni.MultiplyWideningAndAdd(h, Vector256.Load(p + 224), factor);
                }
            }

            return Vector256.Sum(a + b + c + d + e + f + g + h);
        }

        private static int Multiply256(byte* operands)
        {
            Vector256<sbyte> factor = Vector256<sbyte>.One;
            Vector256<short> a = default, b = default, c = default, d = default;
            for (int lap = 0; lap < Laps; lap++)
            {
                for (byte* p = operands; p < operands + Bytes; p += 128)
                {
                    a = Avx2.Add(a, Avx2.MultiplyAddAdjacent(Vector256.Load(p), factor));
                    b = Avx2.Add(b, Avx2.MultiplyAddAdjacent(Vector256.Load(p + 32), factor));
                    c = Avx2.Add(c, Avx2.MultiplyAddAdjacent(Vector256.Load(p + 64), factor));
                    d = Avx2.Add(d, Avx2.MultiplyAddAdjacent(Vector256.Load(p + 96), factor));
                }
            }

            return Vector256.Sum(a + b + c + d);
        }

        private static int Multiply128(byte* operands)
        {
            Vector128<sbyte> factor = Vector128<sbyte>.One;
            Vector128<short> a = default, b = default, c = default, d = default;
            for (int lap = 0; lap < Laps; lap++)
            {
                for (sbyte* p = (sbyte*)operands; p < operands + Bytes; p += 64)
                {
                    a += SignedProducts.PairSums(factor, Vector128.Load(p));
                    b += SignedProducts.PairSums(factor, Vector128.Load(p + 16));
                    c += SignedProducts.PairSums(factor, Vector128.Load(p + 32));
                    d += SignedProducts.PairSums(factor, Vector128.Load(p + 48));
                }
            }

            return Vector128.Sum(a + b + c + d);
        }

        private static int MultiplyScalar(byte* operands)
        {
            int a = 0, b = 0, c = 0, d = 0;
            for (int lap = 1; lap <= Laps; lap++)
            {
                for (byte* p = operands; p < operands + Bytes; p += 4)
                {
                    a += p[0] * lap;
                    b += p[1] * lap;
                    c += p[2] * lap;
                    d += p[3] * lap;
                }
            }

            return a + b + c + d;
        }
    }
}
