namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q3K : IWritableBlock256<Q3K>
{
    /// <inheritdoc/>
    public static int LowestCode => -4;

    /// <inheritdoc/>
    public static int HighestCode => 3;

    /// <inheritdoc/>
    public static int LowestGroupScale => -32;

    /// <inheritdoc/>
    public static int HighestGroupScale => 31;

    /// <inheritdoc/>
    public static void SetScale(byte* block, Half scale) => Float16.Write(block + 108, scale);

    /// <inheritdoc/>
    public static void SetGroupScale(byte* block, int group, int scale)
    {
        byte* scales = block + Scales;
        int bits = scale + 32;
        scales[group % 8] |= (byte)((bits & 15) << (4 * (group / 8)));
        scales[8 + (group % 4)] |= (byte)((bits >> 4) << (2 * (group / 4)));
    }

    /// <inheritdoc/>
    public static void SetCode(byte* block, int index, int code)
    {
        int bits = code + 4;
        TwoBitFields.Set(block + LowBits, index, bits & 3);
        BitPlanes.Set(block + HighBits, index, bits >> 2);
    }
}
