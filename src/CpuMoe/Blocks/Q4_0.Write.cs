namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q4_0 : IWritableBlock32<Q4_0>
{
    /// <inheritdoc/>
    public static int LowestCode => -8;

    /// <inheritdoc/>
    public static int HighestCode => 7;

    /// <inheritdoc/>
    public static void SetScale(byte* block, Half scale) => Float16.Write(block, scale);

    /// <inheritdoc/>
    public static void SetCode(byte* block, int index, int code) => Nibbles.Set(block + Codes, index, code + 8);
}
