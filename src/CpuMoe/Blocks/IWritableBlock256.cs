using CpuMoe.Blocks.Fitting;

namespace CpuMoe.Blocks;

/// <summary>A format of super-blocks that can be written. A block starts as zeros; every part is set once.</summary>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe interface IWritableBlock256<TSelf> : IBlock256<TSelf>
    where TSelf : struct, IWritableBlock256<TSelf>
{
    static bool IBlockFormat<TSelf>.CanQuantize => true;

    /// <summary>The lowest code: 0 for formats with minima, else of larger magnitude than <see cref="HighestCode"/>.</summary>
    static abstract int LowestCode { get; }

    /// <summary>The highest code.</summary>
    static abstract int HighestCode { get; }

    /// <summary>The lowest group scale: 0 for formats with minima, else of larger magnitude than <see cref="HighestGroupScale"/>.</summary>
    static abstract int LowestGroupScale { get; }

    /// <summary>The highest group scale.</summary>
    static abstract int HighestGroupScale { get; }

    /// <summary>The highest group minimum; the lowest is 0.</summary>
    static virtual int HighestGroupMinimum => 0;

    /// <summary>Sets the float scale of the block.</summary>
    static abstract void SetScale(byte* block, Half scale);

    /// <summary>Sets the float scale of the minima.</summary>
    static virtual void SetMinimumScale(byte* block, Half scale)
    {
    }

    /// <summary>Sets the integer scale of a group.</summary>
    static abstract void SetGroupScale(byte* block, int group, int scale);

    /// <summary>Sets the integer minimum of a group.</summary>
    static virtual void SetGroupMinimum(byte* block, int group, int minimum)
    {
    }

    /// <summary>Sets the code of value <paramref name="index"/> (0..255).</summary>
    static abstract void SetCode(byte* block, int index, int code);

    static void IBlockFormat<TSelf>.Quantize(float* values, int blocks, byte* row)
    {
        for (int b = 0; b < blocks; b++)
        {
            Block256Fit<TSelf>.Quantize(values + (256 * b), row + (b * TSelf.BytesPerBlock));
        }
    }
}
