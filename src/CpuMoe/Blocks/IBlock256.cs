namespace CpuMoe.Blocks;

/// <summary>
/// A format of super-blocks of 256 values in groups of 16 or 32, every group with a small integer scale, and perhaps a
/// small integer minimum, of its own: value = scale * group scale * code - minimum scale * group minimum.
/// </summary>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe interface IBlock256<TSelf> : IBlockFormat<TSelf>
    where TSelf : struct, IBlock256<TSelf>
{
    static int IBlockFormat<TSelf>.ValuesPerBlock => 256;

    static ActivationFormat IBlockFormat<TSelf>.Activation => ActivationFormat.Q8Per256;

    /// <summary>Values that share a group scale: 16 or 32.</summary>
    static abstract int ValuesPerGroup { get; }

    /// <summary>The integer code of value <paramref name="index"/> (0..255).</summary>
    static abstract int Code(byte* block, int index);

    /// <summary>The integer scale of a group.</summary>
    static abstract int GroupScale(byte* block, int group);

    /// <summary>Whether the format has minima.</summary>
    static virtual bool HasMinima => false;

    /// <summary>The integer minimum of a group; zero for formats without.</summary>
    static virtual int GroupMinimum(byte* block, int group) => 0;

    /// <summary>The float scale of the block.</summary>
    static abstract float Scale(byte* block);

    /// <summary>The float scale of the minima; zero for formats without.</summary>
    static virtual float MinimumScale(byte* block) => 0;

    static void IBlockFormat<TSelf>.Dequantize(byte* block, float* values)
    {
        float scale = TSelf.Scale(block);
        float minimumScale = TSelf.MinimumScale(block);
        for (int i = 0; i < 256; i++)
        {
            int group = i / TSelf.ValuesPerGroup;
            values[i] = (scale * TSelf.GroupScale(block, group) * TSelf.Code(block, i)) - (minimumScale * TSelf.GroupMinimum(block, group));
        }
    }

    static float IBlockFormat<TSelf>.Dot(byte* row, in ActivationRow activation, int blocks)
    {
        float total = 0;
        for (int b = 0; b < blocks; b++, row += TSelf.BytesPerBlock)
        {
            int products = 0;
            int minima = 0;
            for (int group = 0; group < 256 / TSelf.ValuesPerGroup; group++)
            {
                int first = group * TSelf.ValuesPerGroup;
                int groupProducts = 0;
                for (int i = first; i < first + TSelf.ValuesPerGroup; i++)
                {
                    groupProducts += TSelf.Code(row, i) * activation.Codes[(256 * b) + i];
                }

                int groupSum = 0;
                for (int i = first; i < first + TSelf.ValuesPerGroup; i += 16)
                {
                    groupSum += activation.Sums[((256 * b) + i) / 16];
                }

                products += TSelf.GroupScale(row, group) * groupProducts;
                minima += TSelf.GroupMinimum(row, group) * groupSum;
            }

            total += activation.Scales[b] * ((TSelf.Scale(row) * products) - (TSelf.MinimumScale(row) * minima));
        }

        return total;
    }
}
