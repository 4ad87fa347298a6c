namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q4K : IWritableBlock256<Q4K>
{
    /// <inheritdoc/>
    public static int LowestCode => 0;

    /// <inheritdoc/>
    public static int HighestCode => 15;

    /// <inheritdoc/>
    public static int LowestGroupScale => 0;

    /// <inheritdoc/>
    public static int HighestGroupScale => 63;

    /// <inheritdoc/>
    public static int HighestGroupMinimum => 63;

    /// <inheritdoc/>
    public static void SetScale(byte* block, Half scale) => Float16.Write(block, scale);

    /// <inheritdoc/>
    public static void SetMinimumScale(byte* block, Half scale) => Float16.Write(block + 2, scale);

    /// <inheritdoc/>
    public static void SetGroupScale(byte* block, int group, int scale) => SixBitScales.SetScale(block + Scales, group, scale);

    /// <inheritdoc/>
    public static void SetGroupMinimum(byte* block, int group, int minimum) => SixBitScales.SetMinimum(block + Scales, group, minimum);

    /// <inheritdoc/>
    public static void SetCode(byte* block, int index, int code) => NibblePairs.Set(block + Codes, index, code);
}
