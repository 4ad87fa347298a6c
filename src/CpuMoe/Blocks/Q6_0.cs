using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>6-bit codes around 32, one scale per 32 values: value = d * (q - 32).</summary>
/// <remarks>
/// Layout (26 bytes): d half @0, upper bits 8 bytes @2, lower bits 16 bytes @10 (<see cref="Nibbles"/>). Byte j of the
/// upper bits holds two bits each of the values j, j + 16, j + 8 and j + 24, from the lowest bits up.
/// Source: ik_llama.cpp <c>block_q6_0</c>.
/// </remarks>
internal readonly unsafe partial struct Q6_0 : IVectorBlock32<Q6_0>
{
    private const int HighBits = 2;
    private const int LowBits = 10;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q6_0;

    /// <inheritdoc/>
    public static int BytesPerBlock => 26;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block);

    /// <inheritdoc/>
    public static int Code(byte* block, int index)
    {
        int shift = (4 * (index / 8 % 2)) + (2 * (index / 16));
        int high = (block[HighBits + (index % 8)] >> shift) & 3;
        return (Nibbles.At(block + LowBits, index) | (high << 4)) - 32;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
    {
        // Eight values have their bits at 0 and the next eight at 4, or at 2 and 6.
        ulong fields = Unsafe.ReadUnaligned<ulong>(block + HighBits) >> (2 * part);
        Vector128<byte> high = ((Vector128.Create(fields, fields >> 4) & Vector128.Create(0x0303_0303_0303_0303ul)) << 4).AsByte();
        return ((Nibbles.Load128(block + LowBits, part) | high) - Vector128.Create((byte)32)).AsSByte();
    }
}
