using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>5-bit codes, one scale and one offset per 32 values: value = d * q + m.</summary>
/// <remarks>
/// Layout (24 bytes): d half @0, m half @2, fifth bits 4 bytes @4 (<see cref="FifthBits"/>), lower bits 16 bytes @8
/// (<see cref="Nibbles"/>). Source: ggml <c>block_q5_1</c>.
/// </remarks>
internal readonly unsafe partial struct Q5_1 : INibbleBlock32<Q5_1>
{
    private const int HighBits = 4;
    private const int LowBits = 8;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q5_1;

    /// <inheritdoc/>
    public static int BytesPerBlock => 24;

    /// <inheritdoc/>
    public static int NibblesAt => LowBits;

    /// <inheritdoc/>
    public static int FifthBitsAt => HighBits;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block);

    /// <inheritdoc/>
    public static bool HasOffset => true;

    /// <inheritdoc/>
    public static float Offset(byte* block) => Float16.ReadFinite(block + 2);

    /// <inheritdoc/>
    public static int Code(byte* block, int index) => Nibbles.At(block + LowBits, index) | FifthBits.At(block + HighBits, index);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => (Nibbles.Load128(block + LowBits, part) | FifthBits.Load128(block + HighBits, part)).AsSByte();
}
