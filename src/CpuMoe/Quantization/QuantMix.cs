using System.Diagnostics.CodeAnalysis;
using CpuMoe.Gguf;

namespace CpuMoe.Quantization;

/// <summary>Which type each tensor gets, as llama-quantize decides without an importance matrix.</summary>
/// <remarks>
/// Source: llama.cpp <c>src/llama-quant.cpp</c>, for models with grouped-query attention of 4 or more query heads per
/// key head and another number of experts than 8 (both have rules of their own).
/// </remarks>
public sealed class QuantMix
{
    /// <summary>All mixes, from the largest to the smallest, the usual one first.</summary>
    public static IReadOnlyList<QuantMix> All { get; } =
    [
        WithMoreBits("Q4_K_M", 15, GgmlType.Q4_K),
        Even("F16", 1, GgmlType.F16),
        Even("Q8_0", 7, GgmlType.Q8_0),
        Even("Q6_K", 18, GgmlType.Q6_K),
        WithMoreBits("Q5_K_M", 17, GgmlType.Q5_K),
        new("Q4_0", 2, GgmlType.Q4_0) { Output = GgmlType.Q6_K },
        new("Q3_K_M", 12, GgmlType.Q3_K)
        {
            Output = GgmlType.Q6_K,
            AttentionOutput = GgmlType.Q4_K,
            Value = (block, _) => block < 2 ? GgmlType.Q5_K : GgmlType.Q4_K,
            Down = (block, blocks) => block < blocks / 16 ? GgmlType.Q5_K : GgmlType.Q4_K,
        },
        new("Q2_K", 10, GgmlType.Q2_K)
        {
            Output = GgmlType.Q6_K,
            AttentionOutput = GgmlType.Q3_K,
            Value = (_, _) => GgmlType.Q4_K,
            Down = (_, _) => GgmlType.Q3_K,
        },
    ];

    private QuantMix(string name, int fileType, GgmlType type)
    {
        Name = name;
        FileType = fileType;
        Default = type;
        Output = type;
        AttentionOutput = type;
        Value = Down = (_, _) => type;
    }

    /// <summary>The usual name, such as <c>Q4_K_M</c>.</summary>
    public string Name { get; }

    /// <summary>The value of <c>general.file_type</c>.</summary>
    public int FileType { get; }

    /// <summary>The type of all tensors without a rule of their own.</summary>
    public GgmlType Default { get; }

    private GgmlType Output { get; init; }

    private GgmlType AttentionOutput { get; init; }

    /// <summary>The type of the value matrices by block and number of blocks.</summary>
    private Func<int, int, GgmlType> Value { get; init; }

    /// <summary>The type of the down matrices by block and number of blocks.</summary>
    private Func<int, int, GgmlType> Down { get; init; }

    /// <summary>Finds a mix by name, in letters of either case.</summary>
    public static bool TryFind(string name, [NotNullWhen(true)] out QuantMix? mix)
    {
        mix = All.FirstOrDefault(candidate => candidate.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        return mix is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Whether a tensor is quantised: matrices are, but not routers, norms and what is no weight.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="rank">How many dimensions it has.</param>
    internal static bool Quantizes(string name, int rank) =>
        rank >= 2
        && name.EndsWith("weight", StringComparison.Ordinal)
        && !name.EndsWith("_norm.weight", StringComparison.Ordinal)
        && !name.EndsWith("ffn_gate_inp.weight", StringComparison.Ordinal);

    /// <summary>The type of a tensor that is quantised.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="rowLength">Values per row.</param>
    /// <param name="block">Its block, or -1.</param>
    /// <param name="blocks">Blocks in the file, NextN included.</param>
    /// <param name="isTied">Whether the model has no output matrix and the token embeddings serve as one.</param>
    internal GgmlType TypeOf(string name, long rowLength, int block, int blocks, bool isTied = false)
    {
        GgmlType wanted = name switch
        {
            "output.weight" => Output,
            "token_embd.weight" when isTied => Output,
            _ when name.EndsWith("attn_v.weight", StringComparison.Ordinal) => Value(block, blocks),
            _ when name.EndsWith("attn_output.weight", StringComparison.Ordinal) => AttentionOutput,
            _ when name.Contains("ffn_down", StringComparison.Ordinal) => Down(block, blocks),
            _ => Default,
        };
        return Fit(wanted, rowLength);
    }

    /// <summary>The type itself, or what replaces it where a row is not a whole number of its blocks.</summary>
    internal static GgmlType Fit(GgmlType wanted, long rowLength)
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

    private static QuantMix Even(string name, int fileType, GgmlType type) => new(name, fileType, type);

    private static QuantMix WithMoreBits(string name, int fileType, GgmlType type)
    {
        Func<int, int, GgmlType> rule = (block, blocks) => GetsMoreBits(block, blocks) ? GgmlType.Q6_K : type;
        return new QuantMix(name, fileType, type) { Output = GgmlType.Q6_K, Value = rule, Down = rule };
    }

    /// <summary>Whether a block is in the first or last eighth, or a third one between.</summary>
    private static bool GetsMoreBits(int block, int blocks) =>
        block < blocks / 8 || block >= 7 * blocks / 8 || (block - (blocks / 8)) % 3 == 2;
}
