using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>4-bit codes, one scale and one offset per 32 values: value = d * q + m.</summary>
/// <remarks>
/// Layout (20 bytes): d half @0, m half @2, codes 16 bytes @4 (<see cref="Nibbles"/>). Source: ggml <c>block_q4_1</c>.
/// </remarks>
internal readonly unsafe partial struct Q4_1 : INibbleBlock32<Q4_1>
{
    private const int Codes = 4;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q4_1;

    /// <inheritdoc/>
    public static int BytesPerBlock => 20;

    /// <inheritdoc/>
    public static int NibblesAt => Codes;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block);

    /// <inheritdoc/>
    public static bool HasOffset => true;

    /// <inheritdoc/>
    public static float Offset(byte* block) => Float16.ReadFinite(block + 2);

    /// <inheritdoc/>
    public static int Code(byte* block, int index) => Nibbles.At(block + Codes, index);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => Nibbles.Load128(block + Codes, part).AsSByte();
}
