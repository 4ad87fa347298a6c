namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q5_1 : IWritableBlock32<Q5_1>
{
    /// <inheritdoc/>
    public static int LowestCode => 0;

    /// <inheritdoc/>
    public static int HighestCode => 31;

    /// <inheritdoc/>
    public static void SetScale(byte* block, Half scale) => Float16.Write(block, scale);

    /// <inheritdoc/>
    public static void SetOffset(byte* block, Half offset) => Float16.Write(block + 2, offset);

    /// <inheritdoc/>
    public static void SetCode(byte* block, int index, int code)
    {
        Nibbles.Set(block + LowBits, index, code & 15);
        FifthBits.Set(block + HighBits, index, code);
    }
}
