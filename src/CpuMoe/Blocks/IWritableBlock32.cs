using CpuMoe.Blocks.Fitting;

namespace CpuMoe.Blocks;

/// <summary>A format of blocks of 32 values that can be written. A block starts as zeros; every part is set once.</summary>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe interface IWritableBlock32<TSelf> : IBlock32<TSelf>
    where TSelf : struct, IWritableBlock32<TSelf>
{
    static bool IBlockFormat<TSelf>.CanQuantize => true;

    /// <summary>The lowest code: 0 for formats with offsets, else of larger magnitude than <see cref="HighestCode"/>.</summary>
    static abstract int LowestCode { get; }

    /// <summary>The highest code.</summary>
    static abstract int HighestCode { get; }

    /// <summary>Sets the scale of the block.</summary>
    static abstract void SetScale(byte* block, Half scale);

    /// <summary>Sets the offset of the block.</summary>
    static virtual void SetOffset(byte* block, Half offset)
    {
    }

    /// <summary>Sets the code of value <paramref name="index"/> (0..31).</summary>
    static abstract void SetCode(byte* block, int index, int code);

    static void IBlockFormat<TSelf>.Quantize(float* values, int blocks, byte* row) => Block32Fit<TSelf>.Quantize(values, blocks, row);
}
