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
        WeightSizes values = WeightSizes.Of(file, config.TrunkBlocks, tensor => tensor.ElementCount);
        WeightSizes bytes = WeightSizes.Of(file, config.TrunkBlocks, tensor => tensor.ByteCount);
        summary.TotalParameters = file.Tensors.Sum(tensor => tensor.ElementCount);
        summary.ActiveParameters = values.Always + (values.Routed / config.ExpertCount * summary.ExpertsUsed);
        summary.ActiveBytesPerToken = bytes.Always + (bytes.Routed / config.ExpertCount * summary.ExpertsUsed);
        return summary;
    }

    /// <summary>Bytes of KV cache per token in all trunk blocks.</summary>
    public long KvBytesPerToken(KvType type) =>
        KvCache.BytesPerToken(_layers, _attention.KeyValueHeads, _attention.KeyLength, _attention.ValueLength, type);
}
