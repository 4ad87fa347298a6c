using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>3-bit codes around 4 in 16 groups of 16 values, 6-bit scales around 32: value = d * (scale - 32) * (q - 4).</summary>
/// <remarks>
/// Layout (110 bytes): third bits 32 bytes @0 (<see cref="BitPlanes"/>), lower bits 64 bytes @32
/// (<see cref="TwoBitFields"/>), scales 12 bytes @96, d half @108. Scale g has its low 4 bits in byte g % 8 of
/// the scales (low half for g &lt; 8, else high half) and its upper 2 bits in byte 8 + g % 4 at bit 2 (g / 4).
/// Source: ggml <c>block_q3_K</c>.
/// </remarks>
internal readonly unsafe partial struct Q3K : IVectorBlock256<Q3K>
{
    private const int HighBits = 0;
    private const int LowBits = 32;
    private const int Scales = 96;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q3_K;

    /// <inheritdoc/>
    public static int BytesPerBlock => 110;

    /// <inheritdoc/>
    public static int ValuesPerGroup => 16;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block + 108);

    /// <inheritdoc/>
    public static int GroupScale(byte* block, int group)
    {
        byte* scales = block + Scales;
        int low = (scales[group % 8] >> (4 * (group / 8))) & 15;
        int high = (scales[8 + (group % 4)] >> (2 * (group / 4))) & 3;
        return (low | (high << 4)) - 32;
    }

    /// <inheritdoc/>
    public static int Code(byte* block, int index)
        => (TwoBitFields.At(block + LowBits, index) | (BitPlanes.At(block + HighBits, index) << 2)) - 4;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => ((TwoBitFields.Load128(block + LowBits, part) | BitPlanes.Load128(block + HighBits, part, toBit: 2)) - Vector128.Create((byte)4)).AsSByte();
}
