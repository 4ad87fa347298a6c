using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>5-bit codes in 8 groups of 32 values, 6-bit scales and minima: value = d * scale * q - dmin * min.</summary>
/// <remarks>
/// Layout (176 bytes): d half @0, dmin half @2, scales and minima 12 bytes @4 (<see cref="SixBitScales"/>), fifth bits 32
/// bytes @16 (<see cref="BitPlanes"/>), lower bits 128 bytes @48 (<see cref="NibblePairs"/>). Source: ggml <c>block_q5_K</c>.
/// </remarks>
internal readonly unsafe partial struct Q5K : ISixBitBlock256<Q5K>
{
    private const int Scales = 4;
    private const int HighBits = 16;
    private const int LowBits = 48;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q5_K;

    /// <inheritdoc/>
    public static int BytesPerBlock => 176;

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
    public static int Code(byte* block, int index)
        => NibblePairs.At(block + LowBits, index) | (BitPlanes.At(block + HighBits, index) << 4);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => (NibblePairs.Load128(block + LowBits, part) | BitPlanes.Load128(block + HighBits, part, toBit: 4)).AsSByte();
}
