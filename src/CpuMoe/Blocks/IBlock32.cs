namespace CpuMoe.Blocks;

/// <summary>
/// A format with one scale, and perhaps one offset, per block of 32 values: value = scale * code + offset.
/// </summary>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe interface IBlock32<TSelf> : IBlockFormat<TSelf>
    where TSelf : struct, IBlock32<TSelf>
{
    static int IBlockFormat<TSelf>.ValuesPerBlock => 32;

    static ActivationFormat IBlockFormat<TSelf>.Activation => ActivationFormat.Q8Per32;

    /// <summary>The integer code of value <paramref name="index"/> (0..31), in -128..127.</summary>
    static abstract int Code(byte* block, int index);

    /// <summary>The scale of the block.</summary>
    static abstract float Scale(byte* block);

    /// <summary>Whether the format has offsets.</summary>
    static virtual bool HasOffset => false;

    /// <summary>What is added to every value. Negative zero, the default, changes no value, not even the sign of a zero.</summary>
    static virtual float Offset(byte* block) => -0f;

    static void IBlockFormat<TSelf>.Dequantize(byte* block, float* values)
    {
        float scale = TSelf.Scale(block);
        float offset = TSelf.Offset(block);
        for (int i = 0; i < 32; i++)
        {
            values[i] = (scale * TSelf.Code(block, i)) + offset;
        }
    }

    static float IBlockFormat<TSelf>.Dot(byte* row, in ActivationRow activation, int blocks)
    {
        float total = 0;
        for (int b = 0; b < blocks; b++, row += TSelf.BytesPerBlock)
        {
            sbyte* codes = activation.Codes + (32 * b);
            int products = 0;
            for (int i = 0; i < 32; i++)
            {
                products += TSelf.Code(row, i) * codes[i];
            }

            int sum = activation.Sums[2 * b] + activation.Sums[(2 * b) + 1];
            total += activation.Scales[b] * ((TSelf.Scale(row) * products) + (TSelf.Offset(row) * sum));
        }

        return total;
    }
}
