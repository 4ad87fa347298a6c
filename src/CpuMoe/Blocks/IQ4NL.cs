using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>4-bit codes into a table of unevenly spaced values, one scale per 32 values: value = d * T[q].</summary>
/// <remarks>
/// Layout (18 bytes): d half @0, codes 16 bytes @2 (<see cref="Nibbles"/>) into <see cref="IQ4Table"/>.
/// Source: ggml <c>block_iq4_nl</c>.
/// </remarks>
internal readonly unsafe partial struct IQ4NL : IVectorBlock32<IQ4NL>
{
    private const int Codes = 2;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.IQ4_NL;

    /// <inheritdoc/>
    public static int BytesPerBlock => 18;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block);

    /// <inheritdoc/>
    public static int Code(byte* block, int index) => IQ4Table.Values[Nibbles.At(block + Codes, index)];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => IQ4Table.Lookup(Nibbles.Load128(block + Codes, part));
}
