using CpuMoe.Blocks;
using CpuMoe.Gguf;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Blocks;

/// <summary>A format behind ordinary members, so that one test method can run over all of them.</summary>
internal abstract unsafe class FormatUnderTest
{
    public abstract GgmlType Type { get; }

    public abstract int ValuesPerBlock { get; }

    public abstract int BytesPerBlock { get; }

    public abstract ActivationFormat Activation { get; }

    public static FormatUnderTest Of(GgmlType type)
        => BlockFormats.TryVisit<Factory, FormatUnderTest>(type, default, out var format)
            ? format
            : throw new ArgumentException($"{type} is not supported.", nameof(type));

    /// <summary>The values of a whole number of blocks.</summary>
    public float[] Dequantize(ReadOnlySpan<byte> row)
    {
        float[] values = new float[row.Length / BytesPerBlock * ValuesPerBlock];
        fixed (byte* blocks = row)
        fixed (float* target = values)
        {
            for (int b = 0; b < row.Length / BytesPerBlock; b++)
            {
                DequantizeBlock(blocks + (b * BytesPerBlock), target + (b * ValuesPerBlock));
            }
        }

        return values;
    }

    /// <summary>Whether the format is written, see <see cref="Quantize"/>.</summary>
    public abstract bool CanQuantize { get; }

    /// <summary>Blocks near a whole number of blocks of values.</summary>
    public byte[] Quantize(ReadOnlySpan<float> values)
    {
        int blocks = values.Length / ValuesPerBlock;
        using GuardedBuffer source = GuardedBuffer.Of(values);
        using GuardedBuffer row = new(blocks * BytesPerBlock);
        QuantizeBlocks((float*)source.Start, blocks, row.Start);
        return new ReadOnlySpan<byte>(row.Start, row.Length).ToArray();
    }

    /// <summary>The dot product on the named path; the caller has seen to it that the machine has the path.</summary>
    public abstract float Dot(DotPath path, byte* row, in ActivationRow activation, int blocks);

    /// <summary>The 512-bit dot products with 1 to 4 activations together, <paramref name="stride"/> floats apart.</summary>
    public abstract void DotColumns512(byte* row, ReadOnlySpan<ActivationRow> columns, int blocks, float* results, long stride);

    protected abstract void DequantizeBlock(byte* block, float* values);

    protected abstract void QuantizeBlocks(float* values, int blocks, byte* row);

    private sealed class Typed<TFormat> : FormatUnderTest
        where TFormat : struct, IBlockFormat<TFormat>
    {
        public override GgmlType Type => TFormat.Type;

        public override int ValuesPerBlock => TFormat.ValuesPerBlock;

        public override int BytesPerBlock => TFormat.BytesPerBlock;

        public override ActivationFormat Activation => TFormat.Activation;

        public override bool CanQuantize => TFormat.CanQuantize;

        public override float Dot(DotPath path, byte* row, in ActivationRow activation, int blocks) => path switch
        {
            DotPath.Scalar => TFormat.Dot(row, activation, blocks),
            DotPath.Vector128 => TFormat.Dot128(row, activation, blocks),
            DotPath.Vector256 => TFormat.Dot256(row, activation, blocks),
            DotPath.Vector512 => TFormat.Dot512(row, activation, blocks),
            _ => throw new ArgumentOutOfRangeException(nameof(path)),
        };

        public override void DotColumns512(byte* row, ReadOnlySpan<ActivationRow> columns, int blocks, float* results, long stride)
        {
            fixed (ActivationRow* first = columns)
            {
                switch (columns.Length)
                {
                    case 1:
                        TFormat.DotColumns512<OneColumn>(row, first, blocks, results, stride);
                        break;
                    case 2:
                        TFormat.DotColumns512<TwoColumns>(row, first, blocks, results, stride);
                        break;
                    case 3:
                        TFormat.DotColumns512<ThreeColumns>(row, first, blocks, results, stride);
                        break;
                    default:
                        TFormat.DotColumns512<FourColumns>(row, first, blocks, results, stride);
                        break;
                }
            }
        }

        protected override void DequantizeBlock(byte* block, float* values) => TFormat.Dequantize(block, values);

        protected override void QuantizeBlocks(float* values, int blocks, byte* row) => TFormat.Quantize(values, blocks, row);
    }

    private readonly struct Factory : IBlockFormatVisitor<FormatUnderTest>
    {
        public FormatUnderTest Visit<TFormat>()
            where TFormat : struct, IBlockFormat<TFormat>
            => new Typed<TFormat>();
    }
}
