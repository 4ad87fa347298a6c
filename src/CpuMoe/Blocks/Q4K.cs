using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>4-bit codes in 8 groups of 32 values, 6-bit scales and minima: value = d * scale * q - dmin * min.</summary>
/// <remarks>
/// Layout (144 bytes): d half @0, dmin half @2, scales and minima 12 bytes @4 (<see cref="SixBitScales"/>), codes 128
/// bytes @16 (<see cref="NibblePairs"/>). Source: ggml <c>block_q4_K</c>.
/// </remarks>
internal readonly unsafe partial struct Q4K : ISixBitBlock256<Q4K>
{
    private const int Scales = 4;
    private const int Codes = 16;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q4_K;

    /// <inheritdoc/>
    public static int BytesPerBlock => 144;

    /// <inheritdoc/>
    public static int ValuesPerGroup => 32;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block);

    /// <inheritdoc/>
    public static bool HasMinima => true;

    /// <inheritdoc/>
    public static float MinimumScale(byte* block) => Float16.ReadFinite(block + 2);

    /// <inheritdoc/>
    public static int GroupScale(byte* block, int group) => SixBitScales.Scale(block + Scales, group);

    /// <inheritdoc/>
    public static int GroupMinimum(byte* block, int group) => SixBitScales.Minimum(block + Scales, group);

    /// <inheritdoc/>
    public static int Code(byte* block, int index) => NibblePairs.At(block + Codes, index);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => NibblePairs.Load128(block + Codes, part).AsSByte();
}
