using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Models;

/// <summary>What a model costs, counted from the tensors of its file without loading it.</summary>
public sealed class ModelSummary
{
    private readonly int _layers;
    private readonly AttentionShape _attention;

    private ModelSummary(Glm4MoeConfig config)
    {
        _layers = config.TrunkBlocks;
        _attention = config.Attention;
        ContextLength = config.ContextLength;
        TrunkBlocks = config.TrunkBlocks;
        NextNBlocks = config.NextNBlocks;
        ExpertCount = config.ExpertCount;
        ExpertsUsed = config.Router.ExpertsUsed;
    }

    /// <summary>Values in all tensors of the file.</summary>
    public long TotalParameters { get; private set; }

    /// <summary>Values that take part in one token's pass through the trunk: everything but the embedding table, the NextN blocks and the experts not chosen.</summary>
    public long ActiveParameters { get; private set; }

    /// <summary>The bytes of <see cref="ActiveParameters"/>: what decoding reads per token.</summary>
    public long ActiveBytesPerToken { get; private set; }

    /// <summary>The longest sequence the model was made for, in tokens.</summary>
    public int ContextLength { get; }

    /// <summary>Blocks of the forward pass.</summary>
    public int TrunkBlocks { get; }

    /// <summary>Blocks for multi-token prediction behind the trunk.</summary>
    public int NextNBlocks { get; }

    /// <summary>Routed experts per block.</summary>
    public int ExpertCount { get; }

    /// <summary>Routed experts per token and block.</summary>
    public int ExpertsUsed { get; }

    /// <summary>Counts a model; null for an architecture the engine does not know.</summary>
    /// <exception cref="GgufFormatException">The metadata contradicts itself.</exception>
    public static ModelSummary? FromGguf(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (!file.Metadata.TryGetString("general.architecture", out string? architecture) || architecture != Glm4MoeConfig.Architecture)
        {
            return null;
        }

        var config = Glm4MoeConfig.Read(file.Metadata);
        var summary = new ModelSummary(config);
        bool tied = !file.TryGetTensor("output.weight", out _);
        foreach (GgufTensor tensor in file.Tensors)
        {
            summary.TotalParameters += tensor.ElementCount;
            bool lookedUp = tensor.Name == "token_embd.weight" && !tied;
            if (lookedUp || BlockOf(tensor.Name) >= config.TrunkBlocks)
            {
                continue;
            }

            bool routed = tensor.Name.Contains("_exps.", StringComparison.Ordinal);
            summary.ActiveParameters += routed ? tensor.ElementCount / config.ExpertCount * summary.ExpertsUsed : tensor.ElementCount;
            summary.ActiveBytesPerToken += routed ? tensor.ByteCount / config.ExpertCount * summary.ExpertsUsed : tensor.ByteCount;
        }

        return summary;
    }

    /// <summary>Bytes of KV cache per token in all trunk blocks.</summary>
    public long KvBytesPerToken(KvType type) =>
        KvCache.BytesPerToken(_layers, _attention.KeyValueHeads, _attention.KeyLength, _attention.ValueLength, type);

    /// <summary>N of <c>blk.N.*</c>, or -1 for other names.</summary>
    private static int BlockOf(string tensor)
    {
        string[] parts = tensor.Split('.', 3);
        return parts.Length == 3 && parts[0] == "blk" && int.TryParse(parts[1], out int block) ? block : -1;
    }
}
