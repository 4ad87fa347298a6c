using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>5-bit codes around 16, one scale per 32 values: value = d * (q - 16).</summary>
/// <remarks>
/// Layout (22 bytes): d half @0, fifth bits 4 bytes @2 (<see cref="FifthBits"/>), lower bits 16 bytes @6
/// (<see cref="Nibbles"/>). Source: ggml <c>block_q5_0</c>.
/// </remarks>
internal readonly unsafe partial struct Q5_0 : INibbleBlock32<Q5_0>
{
    private const int HighBits = 2;
    private const int LowBits = 6;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q5_0;

    /// <inheritdoc/>
    public static int BytesPerBlock => 22;

    /// <inheritdoc/>
    public static int NibblesAt => LowBits;

    /// <inheritdoc/>
    public static int FifthBitsAt => HighBits;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block);

    /// <inheritdoc/>
    public static int Code(byte* block, int index) => (Nibbles.At(block + LowBits, index) | FifthBits.At(block + HighBits, index)) - 16;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => ((Nibbles.Load128(block + LowBits, part) | FifthBits.Load128(block + HighBits, part)) - Vector128.Create((byte)16)).AsSByte();
}
