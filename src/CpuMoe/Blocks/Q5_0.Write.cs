namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q5_0 : IWritableBlock32<Q5_0>
{
    /// <inheritdoc/>
    public static int LowestCode => -16;

    /// <inheritdoc/>
    public static int HighestCode => 15;

    /// <inheritdoc/>
    public static void SetScale(byte* block, Half scale) => Float16.Write(block, scale);

    /// <inheritdoc/>
    public static void SetCode(byte* block, int index, int code)
    {
        int bits = code + 16;
        Nibbles.Set(block + LowBits, index, bits & 15);
        FifthBits.Set(block + HighBits, index, bits);
    }
}
