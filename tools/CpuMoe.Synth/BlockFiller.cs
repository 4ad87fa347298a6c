using System.Buffers.Binary;
using System.Collections.Frozen;
using CpuMoe.Blocks;
using CpuMoe.Gguf;

namespace CpuMoe.Synth;

/// <summary>Turns random bytes into blocks of a quantised format: every code is as good as another, only the scales must be set.</summary>
/// <remarks>
/// Formats without a minimum keep the random sign of their scale, so that the codes' mean, which is a little below zero,
/// cancels over the blocks of a row. Layouts: ggml <c>src/ggml-common.h</c>.
/// </remarks>
internal sealed class BlockFiller
{
    private static readonly FrozenDictionary<GgmlType, BlockFiller> Fillers = new Dictionary<GgmlType, BlockFiller>
    {
        [GgmlType.Q4_0] = new() { UnitDeviation = Rms(-8, 7), ScaleAt = 0 },
        [GgmlType.Q5_0] = new() { UnitDeviation = Rms(-16, 15), ScaleAt = 0 },
        [GgmlType.Q5_1] = new() { UnitDeviation = Rms(-15.5, 15.5), ScaleAt = 0, MinimumAt = 2, MinimumPerScale = -15.5 },
        [GgmlType.Q8_0] = new() { UnitDeviation = Rms(-128, 127), ScaleAt = 0 },
        [GgmlType.IQ4_NL] = new() { UnitDeviation = Rms(IQ4Table.Values.ToArray().Select(value => (double)value)), ScaleAt = 0 },
        [GgmlType.Q2_K] = new() { UnitDeviation = Rms(-1.5, 1.5) * Rms(8, 15), ScaleAt = 80, MinimumAt = 82, MinimumPerScale = 1.5, SetSubScales = SetQ2KScales },
        [GgmlType.Q3_K] = new() { UnitDeviation = Rms(-4, 3) * Rms(-32, 31), ScaleAt = 108 },
        [GgmlType.Q4_K] = new() { UnitDeviation = Rms(-7.5, 7.5) * Rms(32, 63), ScaleAt = 0, MinimumAt = 2, MinimumPerScale = 7.5, SetSubScales = SetSixBitScales },
        [GgmlType.Q5_K] = new() { UnitDeviation = Rms(-15.5, 15.5) * Rms(32, 63), ScaleAt = 0, MinimumAt = 2, MinimumPerScale = 15.5, SetSubScales = SetSixBitScales },
        [GgmlType.Q6_K] = new() { UnitDeviation = Rms(-32, 31) * Rms(-128, 127), ScaleAt = 208 },
    }.ToFrozenDictionary();

    internal delegate void SubScales(Span<byte> block);

    /// <summary>The standard deviation of the values where the scale is 1.</summary>
    public required double UnitDeviation { get; init; }

    /// <summary>Where in a block the scale of the block is.</summary>
    public required int ScaleAt { get; init; }

    /// <summary>Where in a block the minimum (of K-quants: the scale of the minima) is, or -1.</summary>
    public int MinimumAt { get; init; } = -1;

    /// <summary>The minimum in terms of the scale that makes the mean zero.</summary>
    public double MinimumPerScale { get; init; }

    /// <summary>Makes the minimum of each group that of its scale; null where groups have no minima.</summary>
    public SubScales? SetSubScales { get; init; }

    /// <summary>The filler of a format.</summary>
    /// <exception cref="KeyNotFoundException">No mix uses the format.</exception>
    public static BlockFiller Of(GgmlType type) => Fillers[type];

    /// <summary>Sets the scales of blocks of random bytes.</summary>
    /// <param name="blocks">Whole blocks.</param>
    /// <param name="blockBytes">Bytes per block.</param>
    /// <param name="deviation">The standard deviation that the values are to have.</param>
    public void SetScales(Span<byte> blocks, int blockBytes, double deviation)
    {
        const ushort Sign = 0x8000;
        ushort scale = BitConverter.HalfToUInt16Bits((Half)(deviation / UnitDeviation));
        ushort minimum = BitConverter.HalfToUInt16Bits((Half)(MinimumPerScale * (double)BitConverter.UInt16BitsToHalf(scale)));
        for (; !blocks.IsEmpty; blocks = blocks[blockBytes..])
        {
            Span<byte> at = blocks[ScaleAt..];
            if (MinimumAt < 0)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(at, (ushort)(scale | (BinaryPrimitives.ReadUInt16LittleEndian(at) & Sign)));
                continue;
            }

            BinaryPrimitives.WriteUInt16LittleEndian(at, scale);
            BinaryPrimitives.WriteUInt16LittleEndian(blocks[MinimumAt..], minimum);
            SetSubScales?.Invoke(blocks);
        }
    }

    // 16 bytes, scale in the low and minimum in the high half: both the same, 8 to 15.
    private static void SetQ2KScales(Span<byte> block)
    {
        for (int i = 0; i < 2; i++)
        {
            Span<byte> bytes = block[(8 * i)..];
            ulong scales = (BinaryPrimitives.ReadUInt64LittleEndian(bytes) & 0x0707070707070707) | 0x0808080808080808;
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, scales | (scales << 4));
        }
    }

    // Three words at byte 4: low 6 bits of the first four scales, with the upper 2 bits of the other four above them;
    // the same of the minima; the lower 4 bits of the other four, scales below, minima above. Scales are 32 to 63.
    private static void SetSixBitScales(Span<byte> block)
    {
        uint first = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]) | 0xA0A0A0A0;
        uint rest = BinaryPrimitives.ReadUInt32LittleEndian(block[12..]) & 0x0F0F0F0F;
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], first);
        BinaryPrimitives.WriteUInt32LittleEndian(block[8..], first);
        BinaryPrimitives.WriteUInt32LittleEndian(block[12..], rest | (rest << 4));
    }

    /// <summary>The root mean square of <paramref name="least"/>, <c>least + 1</c>, ..., <paramref name="most"/>.</summary>
    private static double Rms(double least, double most) => Rms(Enumerable.Range(0, (int)(most - least) + 1).Select(i => least + i));

    private static double Rms(IEnumerable<double> values) => Math.Sqrt(values.Average(value => value * value));
}
