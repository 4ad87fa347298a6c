namespace CpuMoe.Blocks;

/// <summary>The 16 values that the codes of IQ4_NL and IQ4_XS stand for, denser around zero as weights are.</summary>
/// <remarks>Source: ggml <c>kvalues_iq4nl</c>.</remarks>
internal static class IQ4Table
{
    /// <summary>Value by 4-bit code.</summary>
    public static ReadOnlySpan<sbyte> Values => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
}
