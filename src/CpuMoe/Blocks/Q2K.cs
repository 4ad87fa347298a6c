using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>2-bit codes in 16 groups of 16 values, 4-bit scales and minima: value = d * scale * q - dmin * min.</summary>
/// <remarks>
/// Layout (84 bytes): 16 bytes @0 with the scale (low half) and the minimum (high half) of each group, codes 64 bytes
/// @16 (<see cref="TwoBitFields"/>), d half @80, dmin half @82. Source: ggml <c>block_q2_K</c>.
/// </remarks>
internal readonly unsafe partial struct Q2K : IVectorBlock256<Q2K>
{
    private const int Codes = 16;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q2_K;

    /// <inheritdoc/>
    public static int BytesPerBlock => 84;

    /// <inheritdoc/>
    public static int ValuesPerGroup => 16;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block + 80);

    /// <inheritdoc/>
    public static bool HasMinima => true;

    /// <inheritdoc/>
    public static float MinimumScale(byte* block) => Float16.ReadFinite(block + 82);

    /// <inheritdoc/>
    public static int GroupScale(byte* block, int group) => block[group] & 15;

    /// <inheritdoc/>
    public static int GroupMinimum(byte* block, int group) => block[group] >> 4;

    /// <inheritdoc/>
    public static int Code(byte* block, int index) => TwoBitFields.At(block + Codes, index);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => TwoBitFields.Load128(block + Codes, part).AsSByte();
}
