using CpuMoe.Blocks;
using CpuMoe.Gguf;

namespace CpuMoe.Quantization;

/// <summary>Reads and writes whole blocks of a format that is known only at run time.</summary>
internal abstract unsafe class RowCodec
{
    /// <summary>Whether <see cref="Write"/> works.</summary>
    public abstract bool CanWrite { get; }

    public abstract int ValuesPerBlock { get; }

    public abstract int BytesPerBlock { get; }

    /// <summary>The codec of a type, or null for one that the engine does not compute with.</summary>
    public static RowCodec? Of(GgmlType type) => BlockFormats.TryVisit<Chooser, RowCodec>(type, default, out RowCodec? codec) ? codec : null;

    /// <inheritdoc cref="IBlockFormat{TSelf}.LoadValues"/>
    public abstract void Read(byte* row, int blocks, float* values);

    /// <summary>The values of one block, exact also where they are not finite.</summary>
    public abstract void ReadExact(byte* block, float* values);

    /// <inheritdoc cref="IBlockFormat{TSelf}.Quantize"/>
    public abstract void Write(float* values, int blocks, byte* row);

    private sealed class Typed<TFormat> : RowCodec
        where TFormat : struct, IBlockFormat<TFormat>
    {
        public override bool CanWrite => TFormat.CanQuantize;

        public override int ValuesPerBlock => TFormat.ValuesPerBlock;

        public override int BytesPerBlock => TFormat.BytesPerBlock;

        public override void Read(byte* row, int blocks, float* values) => TFormat.LoadValues(row, blocks, values);

        public override void ReadExact(byte* block, float* values) => TFormat.Dequantize(block, values);

        public override void Write(float* values, int blocks, byte* row) => TFormat.Quantize(values, blocks, row);
    }

    private readonly struct Chooser : IBlockFormatVisitor<RowCodec>
    {
        public RowCodec Visit<TFormat>()
            where TFormat : struct, IBlockFormat<TFormat>
            => new Typed<TFormat>();
    }
}
