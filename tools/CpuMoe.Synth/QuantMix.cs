using CpuMoe.Gguf;

namespace CpuMoe.Synth;

/// <summary>Which type each tensor gets, as llama-quantize decides without an importance matrix.</summary>
/// <remarks>
/// Source: llama.cpp <c>src/llama-quant.cpp</c>, for models with grouped-query attention of 4 or more query heads per
/// key head and another number of experts than 8 (both have rules of their own).
/// </remarks>
internal sealed record QuantMix
{
    /// <summary>All mixes, in the order of the help.</summary>
    public static IReadOnlyList<QuantMix> All { get; } =
    [
        Uneven("q4_k_m", 15, GgmlType.Q4_K),
        Uneven("q5_k_m", 17, GgmlType.Q5_K),
        Even("q6_k", 18, GgmlType.Q6_K),
        Even("q8_0", 7, GgmlType.Q8_0),
        Even("q2_k", 10, GgmlType.Q2_K) with { Output = GgmlType.Q6_K, Value = GgmlType.Q4_K, AttentionOutput = GgmlType.Q3_K, Down = GgmlType.Q3_K },
        Even("f16", 1, GgmlType.F16),
    ];

    /// <summary>The name on the command line.</summary>
    public required string Name { get; init; }

    /// <summary>The value of <c>general.file_type</c>.</summary>
    public required int FileType { get; init; }

    /// <summary>The type of all that is not named below.</summary>
    public required GgmlType Default { get; init; }

    public required GgmlType Output { get; init; }

    public required GgmlType Value { get; init; }

    public required GgmlType AttentionOutput { get; init; }

    public required GgmlType Down { get; init; }

    /// <summary>The type of <see cref="Value"/> and <see cref="Down"/> in the blocks that get more bits, or null.</summary>
    public GgmlType? MoreBits { get; init; }

    /// <summary>The type of a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="dimensions">Row length first.</param>
    /// <param name="block">Its block, or -1.</param>
    /// <param name="blocks">Blocks in the file, NextN included.</param>
    public GgmlType TypeOf(string name, ReadOnlySpan<long> dimensions, int block, int blocks)
    {
        if (dimensions.Length < 2 || name.EndsWith("ffn_gate_inp.weight", StringComparison.Ordinal))
        {
            return GgmlType.F32;
        }

        bool more = GetsMoreBits(block, blocks);
        GgmlType wanted = name switch
        {
            "output.weight" => Output,
            _ when name.EndsWith("attn_v.weight", StringComparison.Ordinal) => more ? MoreBits ?? Value : Value,
            _ when name.EndsWith("attn_output.weight", StringComparison.Ordinal) => AttentionOutput,
            _ when name.Contains("ffn_down", StringComparison.Ordinal) => more ? MoreBits ?? Down : Down,
            _ => Default,
        };
        return Fit(wanted, dimensions[0]);
    }

    /// <summary>Whether a block is in the first or last eighth, or a third one between.</summary>
    private static bool GetsMoreBits(int block, int blocks) =>
        block < blocks / 8 || block >= 7 * blocks / 8 || (block - (blocks / 8)) % 3 == 2;

    /// <summary>The type itself, or what replaces it where a row is not a whole number of its blocks.</summary>
    private static GgmlType Fit(GgmlType wanted, long rowLength)
    {
        if (rowLength % wanted.ValuesPerBlock() == 0)
        {
            return wanted;
        }

        GgmlType fallback = wanted switch
        {
            GgmlType.Q2_K or GgmlType.Q3_K => GgmlType.Q4_0,
            GgmlType.Q4_K => GgmlType.Q5_0,
            GgmlType.Q5_K => GgmlType.Q5_1,
            GgmlType.Q6_K => GgmlType.Q8_0,
            _ => GgmlType.F16,
        };
        return rowLength % fallback.ValuesPerBlock() == 0 ? fallback : GgmlType.F16;
    }

    private static QuantMix Even(string name, int fileType, GgmlType type) => new()
    {
        Name = name,
        FileType = fileType,
        Default = type,
        Output = type,
        Value = type,
        AttentionOutput = type,
        Down = type,
    };

    private static QuantMix Uneven(string name, int fileType, GgmlType type) =>
        Even(name, fileType, type) with { Output = GgmlType.Q6_K, MoreBits = GgmlType.Q6_K };
}
