namespace CpuMoe.Blocks.Fitting;

/// <summary>Scales as blocks store them.</summary>
internal static class HalfScale
{
    /// <summary>
    /// The nearest finite half, but for a number other than zero not zero: integer scales above it can still tell values
    /// apart that are too small for the one that fits best.
    /// </summary>
    public static Half Nearest(float scale)
    {
        Half half = (Half)Math.Clamp(scale, (float)Half.MinValue, (float)Half.MaxValue);
        return half == Half.Zero && scale != 0 ? Half.CopySign(Half.Epsilon, (Half)scale) : half;
    }
}
