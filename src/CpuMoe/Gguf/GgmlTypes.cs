namespace CpuMoe.Gguf;

/// <summary>Sizes of the ggml types: what is needed to place any tensor, also one that is not computed with.</summary>
/// <remarks>Source: ggml <c>src/ggml.c</c> type traits.</remarks>
public static class GgmlTypes
{
    /// <summary>Whether the id names a type whose size is known.</summary>
    public static bool IsKnown(this GgmlType type) => Sizes(type).Values != 0;

    /// <summary>Values per block; a row is a whole number of blocks.</summary>
    public static int ValuesPerBlock(this GgmlType type) => Sizes(type).Values;

    /// <summary>Bytes per block.</summary>
    public static int BytesPerBlock(this GgmlType type) => Sizes(type).Bytes;

    /// <summary>The bytes of a row of <paramref name="values"/> values.</summary>
    public static long RowBytes(this GgmlType type, long values) => values / type.ValuesPerBlock() * type.BytesPerBlock();

    private static (int Values, int Bytes) Sizes(GgmlType type) => type switch
    {
        GgmlType.F32 or GgmlType.I32 => (1, 4),
        GgmlType.F16 or GgmlType.BF16 or GgmlType.I16 => (1, 2),
        GgmlType.I8 => (1, 1),
        GgmlType.I64 or GgmlType.F64 => (1, 8),
        GgmlType.Q4_0 or GgmlType.IQ4_NL => (32, 18),
        GgmlType.Q4_1 => (32, 20),
        GgmlType.Q5_0 => (32, 22),
        GgmlType.Q5_1 => (32, 24),
        GgmlType.Q8_0 => (32, 34),
        GgmlType.Q8_1 => (32, 36),
        GgmlType.Q6_0 => (32, 26),
        GgmlType.MXFP4 => (32, 17),
        GgmlType.Q2_K => (256, 84),
        GgmlType.Q3_K or GgmlType.IQ3_S => (256, 110),
        GgmlType.Q4_K => (256, 144),
        GgmlType.Q5_K => (256, 176),
        GgmlType.Q6_K => (256, 210),
        GgmlType.Q8_K => (256, 292),
        GgmlType.IQ2_XXS or GgmlType.TQ2_0 => (256, 66),
        GgmlType.IQ2_XS => (256, 74),
        GgmlType.IQ2_S => (256, 82),
        GgmlType.IQ3_XXS => (256, 98),
        GgmlType.IQ1_S => (256, 50),
        GgmlType.IQ1_M => (256, 56),
        GgmlType.IQ4_XS => (256, 136),
        GgmlType.TQ1_0 => (256, 54),
        GgmlType.NVFP4 => (64, 36),
        GgmlType.Q1_0 => (128, 18),
        GgmlType.Q2_0 => (64, 18),
        _ => (0, 0),
    };
}
