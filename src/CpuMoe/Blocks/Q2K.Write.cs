namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q2K : IWritableBlock256<Q2K>
{
    /// <inheritdoc/>
    public static int LowestCode => 0;

    /// <inheritdoc/>
    public static int HighestCode => 3;

    /// <inheritdoc/>
    public static int LowestGroupScale => 0;

    /// <inheritdoc/>
    public static int HighestGroupScale => 15;

    /// <inheritdoc/>
    public static int HighestGroupMinimum => 15;

    /// <inheritdoc/>
    public static void SetScale(byte* block, Half scale) => Float16.Write(block + 80, scale);

    /// <inheritdoc/>
    public static void SetMinimumScale(byte* block, Half scale) => Float16.Write(block + 82, scale);

    /// <inheritdoc/>
    public static void SetGroupScale(byte* block, int group, int scale) => block[group] |= (byte)scale;

    /// <inheritdoc/>
    public static void SetGroupMinimum(byte* block, int group, int minimum) => block[group] |= (byte)(minimum << 4);

    /// <inheritdoc/>
    public static void SetCode(byte* block, int index, int code) => TwoBitFields.Set(block + Codes, index, code);
}
