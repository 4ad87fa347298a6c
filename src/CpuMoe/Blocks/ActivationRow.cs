namespace CpuMoe.Blocks;

/// <summary>The form in which a weight format wants the activations it is multiplied with.</summary>
internal enum ActivationFormat
{
    /// <summary>Plain floats.</summary>
    F32,

    /// <summary>8-bit codes, one float scale per 32 values.</summary>
    Q8Per32,

    /// <summary>8-bit codes, one float scale per 256 values.</summary>
    Q8Per256,
}

/// <summary>
/// One row of activations in the form named by an <see cref="ActivationFormat"/>. The arrays lie apart so that kernels
/// load each with whole vectors.
/// </summary>
internal readonly unsafe struct ActivationRow(float* values, sbyte* codes, float* scales, short* sums, sbyte* apart = null)
{
    /// <summary>n floats (<see cref="ActivationFormat.F32"/>; may be null otherwise).</summary>
    public readonly float* Values = values;

    /// <summary>n signed codes in -127..127, in the order of the values.</summary>
    public readonly sbyte* Codes = codes;

    /// <summary>One scale, positive or zero, per 32 or 256 values: value = scale * code.</summary>
    public readonly float* Scales = scales;

    /// <summary>For every 16 values the sum of their codes (fits 16 bits: 16 * 127).</summary>
    public readonly short* Sums = sums;

    /// <summary>
    /// The n codes again, in the order in which <see cref="NibblePairs.LoadApart512"/> takes weights: of every 128 values
    /// the sub-blocks of 32 numbered 0, 2, 1, 3 (<see cref="ActivationFormat.Q8Per256"/>; null otherwise).
    /// </summary>
    public readonly sbyte* Apart = apart;

    /// <summary>The place in <see cref="Apart"/> of code <paramref name="i"/>: the bits for 32 and for 64 change places.</summary>
    public static int PlaceApart(int i) => (i & ~96) | ((i & 32) << 1) | ((i & 64) >> 1);
}
