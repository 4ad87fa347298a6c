using System.Numerics.Tensors;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CpuMoe.Blocks;

namespace CpuMoe.Compute;

/// <summary>How the key or value vectors of one head are stored in the cache.</summary>
internal abstract unsafe class KvFormat
{
    /// <summary>32-bit floats.</summary>
    public static KvFormat F32 { get; } = new F32Format();

    /// <summary>16-bit floats.</summary>
    public static KvFormat F16 { get; } = new F16Format<F16>();

    /// <summary>Blocks of 32 codes with a 16-bit scale, as in Q8_0 weights.</summary>
    public static KvFormat Q8 { get; } = new Q8Format<Q8_0>();

    /// <summary>A vector's length is a multiple of this.</summary>
    public virtual int Granularity => 1;

    /// <summary>The bytes of a vector of <paramref name="length"/> values.</summary>
    public abstract int VectorBytes(int length);

    /// <summary>Writes a vector.</summary>
    public abstract void Store(float* values, byte* stored, int length);

    /// <summary>Reads <paramref name="length"/> values: one vector, or several that follow each other.</summary>
    public abstract void Load(byte* stored, float* values, int length);

    private sealed class F32Format : KvFormat
    {
        public override int VectorBytes(int length) => length * sizeof(float);

        public override void Store(float* values, byte* stored, int length) => new ReadOnlySpan<float>(values, length).CopyTo(new Span<float>(stored, length));

        public override void Load(byte* stored, float* values, int length) => Store((float*)stored, (byte*)values, length);
    }

    // Generic, as the next, only because the members of a format are reached through a type parameter.
    private sealed class F16Format<TFormat> : KvFormat
        where TFormat : struct, IFloatFormat<TFormat>
    {
        public override int VectorBytes(int length) => length * sizeof(Half);

        public override void Store(float* values, byte* stored, int length) =>
            TensorPrimitives.ConvertToHalf(new ReadOnlySpan<float>(values, length), new Span<Half>(stored, length));

        public override void Load(byte* stored, float* values, int length) => TFormat.LoadValues(stored, length, values);
    }

    private sealed class Q8Format<TFormat> : KvFormat
        where TFormat : struct, IVectorBlock32<TFormat>
    {
        public override int Granularity => TFormat.ValuesPerBlock;

        public override int VectorBytes(int length) => length / TFormat.ValuesPerBlock * TFormat.BytesPerBlock;

        public override void Store(float* values, byte* stored, int length)
        {
            float scale;
            short* sums = stackalloc short[TFormat.ValuesPerBlock / 16];
            for (int i = 0; i < length; i += TFormat.ValuesPerBlock, stored += TFormat.BytesPerBlock)
            {
                var block = new ActivationRow(null, (sbyte*)stored + sizeof(Half), &scale, sums);
                ActivationQuantizer.Quantize(ActivationFormat.Q8Per32, values + i, TFormat.ValuesPerBlock, block);
                *(Half*)stored = (Half)scale;
            }
        }

        public override void Load(byte* stored, float* values, int length)
        {
            for (int i = 0; i < length; i += TFormat.ValuesPerBlock, stored += TFormat.BytesPerBlock)
            {
                if (Avx512F.IsSupported)
                {
                    Load512(stored, values + i);
                }
                else if (Avx2.IsSupported)
                {
                    Load256(stored, values + i);
                }
                else if (Vector128.IsHardwareAccelerated)
                {
                    Load128(stored, values + i);
                }
                else
                {
                    TFormat.Dequantize(stored, values + i);
                }
            }
        }

        private static void Load128(byte* stored, float* values)
        {
            Vector128<float> scale = Vector128.Create(TFormat.Scale(stored));
            for (int part = 0; part < 2; part++, values += 16)
            {
                (Vector128<short> low, Vector128<short> high) = Vector128.Widen(TFormat.Codes128(stored, part));
                (Vector128.ConvertToSingle(Vector128.WidenLower(low)) * scale).Store(values);
                (Vector128.ConvertToSingle(Vector128.WidenUpper(low)) * scale).Store(values + 4);
                (Vector128.ConvertToSingle(Vector128.WidenLower(high)) * scale).Store(values + 8);
                (Vector128.ConvertToSingle(Vector128.WidenUpper(high)) * scale).Store(values + 12);
            }
        }

        private static void Load256(byte* stored, float* values)
        {
            Vector256<float> scale = Vector256.Create(TFormat.Scale(stored));
            Vector256<sbyte> codes = TFormat.Codes256(stored);
            for (int i = 0; i < 2; i++)
            {
                Vector128<sbyte> half = i == 0 ? codes.GetLower() : codes.GetUpper();
                (Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(half)) * scale).Store(values + 16 * i);
                (Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(half, 8))) * scale).Store(values + 16 * i + 8);
            }
        }

        private static void Load512(byte* stored, float* values)
        {
            Vector512<float> scale = Vector512.Create(TFormat.Scale(stored));
            Vector256<sbyte> codes = TFormat.Codes256(stored);
            (Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(codes.GetLower())) * scale).Store(values);
            (Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(codes.GetUpper())) * scale).Store(values + 16);
        }
    }
}
