namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q6K : IWritableBlock256<Q6K>
{
    /// <inheritdoc/>
    public static int LowestCode => -32;

    /// <inheritdoc/>
    public static int HighestCode => 31;

    /// <inheritdoc/>
    public static int LowestGroupScale => -128;

    /// <inheritdoc/>
    public static int HighestGroupScale => 127;

    /// <inheritdoc/>
    public static void SetScale(byte* block, Half scale) => Float16.Write(block + 208, scale);

    /// <inheritdoc/>
    public static void SetGroupScale(byte* block, int group, int scale) => block[Scales + group] = (byte)(sbyte)scale;

    /// <inheritdoc/>
    public static void SetCode(byte* block, int index, int code)
    {
        int bits = code + 32;
        block[LowBits + (64 * (index / 128)) + (index % 64)] |= (byte)((bits & 15) << (4 * (index / 64 % 2)));
        TwoBitFields.Set(block + HighBits, index, bits >> 4);
    }
}
