using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>4-bit codes around 8, one scale per 32 values: value = d * (q - 8).</summary>
/// <remarks>
/// Layout (18 bytes): d half @0, codes 16 bytes @2 (<see cref="Nibbles"/>). Source: ggml <c>block_q4_0</c>.
/// </remarks>
internal readonly unsafe partial struct Q4_0 : INibbleBlock32<Q4_0>
{
    private const int Codes = 2;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q4_0;

    /// <inheritdoc/>
    public static int BytesPerBlock => 18;

    /// <inheritdoc/>
    public static int NibblesAt => Codes;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block);

    /// <inheritdoc/>
    public static int Code(byte* block, int index) => Nibbles.At(block + Codes, index) - 8;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => (Nibbles.Load128(block + Codes, part) - Vector128.Create((byte)8)).AsSByte();
}
