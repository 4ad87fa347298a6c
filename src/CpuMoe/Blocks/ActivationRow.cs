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
    /// The n codes again, every 128 of them in the order in which 512-bit products take weights (null where nothing does).
    /// <see cref="ActivationFormat.Q8Per256"/>: the sub-blocks of 32 numbered 0, 2, 1, 3 (<see cref="NibblePairs.LoadApart512"/>).
    /// <see cref="ActivationFormat.Q8Per32"/>: the first 16 of each of four blocks, then the last 16 of each
    /// (<see cref="INibbleBlock32{TSelf}"/>); there is room for n rounded up to a multiple of 128.
    /// </summary>
    public readonly sbyte* Apart = apart;

    /// <summary>The place in <see cref="Apart"/> of code <paramref name="i"/> where <paramref name="length"/> values, 32 or 256, have one scale.</summary>
    public static int PlaceApart(int i, int length) => length == 32
        ? (i & ~112) | ((i & 16) << 2) | ((i & 96) >> 1)
        : (i & ~96) | ((i & 32) << 1) | ((i & 64) >> 1);

    /// <summary>The room that <see cref="Apart"/> needs for <paramref name="n"/> codes.</summary>
    public static int RoomApart(int n) => (n + 127) & ~127;
}
