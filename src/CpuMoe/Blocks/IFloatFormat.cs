namespace CpuMoe.Blocks;

/// <summary>A format that stores every value by itself as a float of some width.</summary>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe interface IFloatFormat<TSelf> : IBlockFormat<TSelf>
    where TSelf : struct, IFloatFormat<TSelf>
{
    static int IBlockFormat<TSelf>.ValuesPerBlock => 1;

    static ActivationFormat IBlockFormat<TSelf>.Activation => ActivationFormat.F32;

    /// <summary>The value stored at <paramref name="source"/> (any alignment).</summary>
    static abstract float Value(byte* source);

    static void IBlockFormat<TSelf>.Dequantize(byte* block, float* values) => *values = TSelf.Value(block);

    static float IBlockFormat<TSelf>.Dot(byte* row, in ActivationRow activation, int blocks)
    {
        // One long sum: in double, so that the definition loses no digits of rows of any length.
        double total = 0;
        for (int i = 0; i < blocks; i++, row += TSelf.BytesPerBlock)
        {
            total += (double)TSelf.Value(row) * activation.Values[i];
        }

        return (float)total;
    }
}
