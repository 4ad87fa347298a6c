using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>6-bit codes around 32 in 16 groups of 16 values, signed 8-bit scales: value = d * scale * (q - 32).</summary>
/// <remarks>
/// Layout (210 bytes): lower bits 128 bytes @0, upper bits 64 bytes @128 (<see cref="TwoBitFields"/>), scales 16 signed
/// bytes @192, d half @208. Of every 128 values, byte i of 64 bytes of lower bits holds value i in its low half and
/// value i + 64 in its high half. Source: ggml <c>block_q6_K</c>.
/// </remarks>
internal readonly unsafe partial struct Q6K : IVectorBlock256<Q6K>
{
    private const int LowBits = 0;
    private const int HighBits = 128;
    private const int Scales = 192;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q6_K;

    /// <inheritdoc/>
    public static int BytesPerBlock => 210;

    /// <inheritdoc/>
    public static int ValuesPerGroup => 16;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block + 208);

    /// <inheritdoc/>
    public static int GroupScale(byte* block, int group) => (sbyte)block[Scales + group];

    /// <inheritdoc/>
    public static int Code(byte* block, int index)
    {
        int low = (block[LowBits + (64 * (index / 128)) + (index % 64)] >> (4 * (index / 64 % 2))) & 15;
        return (low | (TwoBitFields.At(block + HighBits, index) << 4)) - 32;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
    {
        Vector128<ushort> pairs = Vector128.Load(block + LowBits + (64 * (part / 8)) + (16 * (part % 4))).AsUInt16();
        Vector128<byte> low = (part % 8 < 4 ? pairs : pairs >>> 4).AsByte() & Vector128.Create((byte)15);
        Vector128<byte> high = TwoBitFields.Load128(block + HighBits, part);
        return ((low | (high.AsUInt16() << 4).AsByte()) - Vector128.Create((byte)32)).AsSByte();
    }
}
