namespace CpuMoe.Blocks;

/// <summary>How many activations a product multiplies with one row at a time: 1 to 4, as a type so that the JIT makes code for each.</summary>
internal interface IColumnCount
{
    /// <summary>1 to 4.</summary>
    static abstract int Count { get; }
}

internal readonly struct OneColumn : IColumnCount
{
    public static int Count => 1;
}

internal readonly struct TwoColumns : IColumnCount
{
    public static int Count => 2;
}

internal readonly struct ThreeColumns : IColumnCount
{
    public static int Count => 3;
}

internal readonly struct FourColumns : IColumnCount
{
    public static int Count => 4;
}
