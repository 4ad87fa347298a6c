using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using BenchmarkDotNet.Attributes;
using CpuMoe.Blocks;
using CpuMoe.Gguf;

namespace CpuMoe.Benchmarks;

/// <summary>
/// Dot products of weight rows with an activation row, in cache, for every format and path: one operation is 64 rows of
/// 4096 values.
/// </summary>
public unsafe class BlockDotBenchmarks
{
    private const int Values = 4096;
    private const int Rows = 64;

    private IKernel _kernel = null!;
    private byte* _weights;
    private float* _values;
    private sbyte* _codes;
    private float* _scales;
    private short* _sums;

    [ParamsSource(nameof(Types))]
    public GgmlType Type { get; set; }

    public static IEnumerable<GgmlType> Types => BlockFormats.Supported;

    [GlobalSetup]
    public void Setup()
    {
        if (!BlockFormats.TryVisit<KernelFactory, IKernel>(Type, default, out var kernel))
        {
            throw new NotSupportedException($"{Type} has no format.");
        }

        _kernel = kernel;
        int bytes = (int)Type.RowBytes(Values) * Rows;
        _weights = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64);

        // Any scale made of this byte is a normal number; subnormal ones would be slow.
        new Span<byte>(_weights, bytes).Fill(0x35);
        _values = (float*)NativeMemory.AlignedAlloc(Values * sizeof(float), 64);
        _codes = (sbyte*)NativeMemory.AlignedAlloc(Values, 64);
        _scales = (float*)NativeMemory.AlignedAlloc(Values / 32 * sizeof(float), 64);
        _sums = (short*)NativeMemory.AlignedAlloc(Values / 16 * sizeof(short), 64);
        Random random = new(1);
        for (int i = 0; i < Values; i++)
        {
            _values[i] = random.NextSingle() - 0.5f;
        }

        ActivationQuantizer.Quantize(kernel.Activation, _values, Values, Activation);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        NativeMemory.AlignedFree(_weights);
        NativeMemory.AlignedFree(_values);
        NativeMemory.AlignedFree(_codes);
        NativeMemory.AlignedFree(_scales);
        NativeMemory.AlignedFree(_sums);
    }

    [Benchmark]
    public float Scalar() => _kernel.Scalar(_weights, Activation);

    [Benchmark]
    public float Vector128() => _kernel.Vector128(_weights, Activation);

    [Benchmark]
    public float Vector256() => Avx2.IsSupported
        ? _kernel.Vector256(_weights, Activation)
        : throw new PlatformNotSupportedException("No AVX2.");

    [Benchmark]
    public float Vector512() => Avx512BW.IsSupported
        ? _kernel.Vector512(_weights, Activation)
        : throw new PlatformNotSupportedException("No AVX-512 BW.");

    private ActivationRow Activation => new(_values, _codes, _scales, _sums);

    /// <summary>Dot products of all rows, behind one virtual call.</summary>
    private interface IKernel
    {
        ActivationFormat Activation { get; }

        float Scalar(byte* weights, in ActivationRow activation);

        float Vector128(byte* weights, in ActivationRow activation);

        float Vector256(byte* weights, in ActivationRow activation);

        float Vector512(byte* weights, in ActivationRow activation);
    }

    private sealed class Kernel<TFormat> : IKernel
        where TFormat : struct, IBlockFormat<TFormat>
    {
        private static int Blocks => Values / TFormat.ValuesPerBlock;

        private static int RowBytes => Blocks * TFormat.BytesPerBlock;

        public ActivationFormat Activation => TFormat.Activation;

        public float Scalar(byte* weights, in ActivationRow activation)
        {
            float sum = 0;
            for (int row = 0; row < Rows; row++)
            {
                sum += TFormat.Dot(weights + (row * RowBytes), activation, Blocks);
            }

            return sum;
        }

        public float Vector128(byte* weights, in ActivationRow activation)
        {
            float sum = 0;
            for (int row = 0; row < Rows; row++)
            {
                sum += TFormat.Dot128(weights + (row * RowBytes), activation, Blocks);
            }

            return sum;
        }

        public float Vector256(byte* weights, in ActivationRow activation)
        {
            float sum = 0;
            for (int row = 0; row < Rows; row++)
            {
                sum += TFormat.Dot256(weights + (row * RowBytes), activation, Blocks);
            }

            return sum;
        }

        public float Vector512(byte* weights, in ActivationRow activation)
        {
            float sum = 0;
            for (int row = 0; row < Rows; row++)
            {
                sum += TFormat.Dot512(weights + (row * RowBytes), activation, Blocks);
            }

            return sum;
        }
    }

    private readonly struct KernelFactory : IBlockFormatVisitor<IKernel>
    {
        public IKernel Visit<TFormat>()
            where TFormat : struct, IBlockFormat<TFormat>
            => new Kernel<TFormat>();
    }
}
