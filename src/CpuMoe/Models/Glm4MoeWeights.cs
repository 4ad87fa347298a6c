using CpuMoe.Compute;
using CpuMoe.Experts;
using CpuMoe.Gguf;

namespace CpuMoe.Models;

/// <summary>The weights of the trunk of a <c>glm4moe</c> model.</summary>
internal sealed unsafe class Glm4MoeWeights
{
    /// <summary>Binds the tensors.</summary>
    /// <exception cref="GgufFormatException">A tensor is missing or does not fit.</exception>
    public Glm4MoeWeights(GgufFile file, Glm4MoeConfig config, TensorBinder tensors)
    {
        if (tensors.Has(WeightSizes.Output))
        {
            Embedding = tensors.Embedding(WeightSizes.Embedding, config.EmbeddingLength);
            Output = tensors.Vocabulary(WeightSizes.Output, config.EmbeddingLength);
        }
        else
        {
            Output = tensors.Vocabulary(WeightSizes.Embedding, config.EmbeddingLength);
            Embedding = new EmbeddingTable(Output);
        }

        OutputNorm = tensors.Vector("output_norm.weight", config.EmbeddingLength);
        MaskedTokens = CheckVocabulary(file, Embedding.Rows, Output.Rows);
        Layers = new Glm4MoeLayer[config.TrunkBlocks];
        for (int block = 0; block < Layers.Length; block++)
        {
            Layers[block] = new Glm4MoeLayer(tensors, config, block);
            if ((Layers[block].QueryNorm == null) != (Layers[0].QueryNorm == null) || (Layers[block].KeyNorm == null) != (Layers[0].QueryNorm == null))
            {
                throw new ModelLoadException("QK norms are present in some blocks and missing in others; the file is incomplete.", file.Path, -1, $"tensor blk.{block}.attn_q_norm.weight");
            }
        }

        Warnings = [.. tensors.Unclaimed().Where(name => !IsNextN(name, config)).Select(name => $"tensor {name} is not part of this architecture and is ignored")];
    }

    public EmbeddingTable Embedding { get; }

    /// <summary>[embedding].</summary>
    public float* OutputNorm { get; }

    /// <summary>The output head, [vocabulary][embedding].</summary>
    public WeightMatrix Output { get; }

    public Glm4MoeLayer[] Layers { get; }

    /// <summary>The routed experts of the layers that have some.</summary>
    public ExpertLayer[] Experts => [.. Layers.Select(layer => layer.Experts).OfType<ExpertLayer>()];

    /// <summary>Rows of the head that stand for no token.</summary>
    public int[] MaskedTokens { get; }

    /// <summary>Tensors of no use.</summary>
    public IReadOnlyList<string> Warnings { get; }

    private static bool IsNextN(string tensor, Glm4MoeConfig config)
    {
        for (int block = config.TrunkBlocks; block < config.BlockCount; block++)
        {
            if (tensor.StartsWith($"blk.{block}.", StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Compares the vocabulary with the matrices; returns the rows that stand for no token.</summary>
    private static int[] CheckVocabulary(GgufFile file, int embeddingRows, int outputRows)
    {
        const string Tokens = "tokenizer.ggml.tokens";
        if (embeddingRows != outputRows)
        {
            throw new ModelLoadException($"has {outputRows} rows, token_embd.weight has {embeddingRows}; they must agree.", file.Path, -1, "tensor output.weight");
        }

        // Files without a tokenizer (for tests of the pass alone) mask nothing.
        int tokens = file.Metadata.GetStrings(Tokens)?.Length ?? outputRows;
        if (tokens > outputRows)
        {
            throw file.Metadata.Fault(Tokens, $"{tokens} tokens for {outputRows} rows of output.weight.");
        }

        const int Unused = 5;
        int[]? types = file.Metadata.GetInt32s("tokenizer.ggml.token_type");
        return [.. Enumerable.Range(0, outputRows).Where(id => id >= tokens || (types is not null && id < types.Length && types[id] == Unused))];
    }
}
