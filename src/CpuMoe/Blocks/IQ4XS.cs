using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>4-bit codes into a table in 8 groups of 32 values, 6-bit scales around 32: value = d * (scale - 32) * T[q].</summary>
/// <remarks>
/// Layout (136 bytes): d half @0, upper 2 bits of the scales 2 bytes @2, lower 4 bits of the scales 4 bytes @4 (both from
/// the lowest bits up), codes 8 times 16 bytes @8 (<see cref="Nibbles"/>) into <see cref="IQ4Table"/>.
/// Source: ggml <c>block_iq4_xs</c>.
/// </remarks>
internal readonly unsafe partial struct IQ4XS : IVectorBlock256<IQ4XS>
{
    private const int ScalesHigh = 2;
    private const int ScalesLow = 4;
    private const int Codes = 8;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.IQ4_XS;

    /// <inheritdoc/>
    public static int BytesPerBlock => 136;

    /// <inheritdoc/>
    public static int ValuesPerGroup => 32;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block);

    /// <inheritdoc/>
    public static int GroupScale(byte* block, int group)
    {
        int low = (block[ScalesLow + (group / 2)] >> (4 * (group % 2))) & 15;
        int high = (Unsafe.ReadUnaligned<ushort>(block + ScalesHigh) >> (2 * group)) & 3;
        return (low | (high << 4)) - 32;
    }

    /// <inheritdoc/>
    public static int Code(byte* block, int index)
        => IQ4Table.Values[Nibbles.At(block + Codes + (16 * (index / 32)), index % 32)];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => IQ4Table.Lookup(Nibbles.Load128(block + Codes + (16 * (part / 2)), part % 2));
}
