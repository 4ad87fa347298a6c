using CpuMoe.Gguf;

namespace CpuMoe.Models;

/// <summary>How a pass uses a tensor.</summary>
internal enum WeightUse
{
    /// <summary>Not at all: it lies behind the trunk.</summary>
    None,

    /// <summary>Every pass reads all of it.</summary>
    Always,

    /// <summary>Of routed experts: those chosen are read.</summary>
    Routed,

    /// <summary>One row per token is read.</summary>
    LookedUp,
}

/// <summary>The bytes of a model's weights by how a pass uses them. Blocks behind the trunk count nowhere.</summary>
/// <param name="Always">Bytes that every pass reads: attention, norms, routers, dense and shared networks, the output head.</param>
/// <param name="Routed">Bytes of all routed experts.</param>
/// <param name="LookedUp">Bytes of the embedding table, of which a pass reads one row per token; 0 where it is the output head as well.</param>
internal readonly record struct WeightSizes(long Always, long Routed, long LookedUp)
{
    /// <summary>The name of the embedding table.</summary>
    public const string Embedding = "token_embd.weight";

    /// <summary>The name of the output head.</summary>
    public const string Output = "output.weight";

    /// <summary>Adds the sizes up.</summary>
    /// <param name="file">The model.</param>
    /// <param name="trunkBlocks">Blocks of the forward pass.</param>
    /// <param name="size">What to add of a tensor: its bytes, or its values.</param>
    public static WeightSizes Of(GgufFile file, int trunkBlocks, Func<GgufTensor, long> size) =>
        Of([.. file.Tensors.Select(tensor => (tensor.Name, size(tensor)))], trunkBlocks);

    /// <summary>Adds the sizes of tensors up.</summary>
    /// <param name="tensors">The names and sizes of all tensors.</param>
    /// <param name="trunkBlocks">Blocks of the forward pass.</param>
    public static WeightSizes Of(IReadOnlyList<(string Name, long Size)> tensors, int trunkBlocks)
    {
        bool tied = tensors.All(tensor => tensor.Name != Output);
        return new WeightSizes(SumOf(WeightUse.Always), SumOf(WeightUse.Routed), SumOf(WeightUse.LookedUp));

        long SumOf(WeightUse use) => tensors.Where(tensor => UseOf(tensor.Name, trunkBlocks, tied) == use).Sum(tensor => tensor.Size);
    }

    /// <summary>How a pass uses a tensor.</summary>
    /// <param name="tensor">Its name.</param>
    /// <param name="trunkBlocks">Blocks of the forward pass.</param>
    /// <param name="isTied">Whether the embedding table is the output head.</param>
    public static WeightUse UseOf(string tensor, int trunkBlocks, bool isTied) =>
        BlockOf(tensor) >= trunkBlocks ? WeightUse.None
        : tensor == Embedding && !isTied ? WeightUse.LookedUp
        : tensor.Contains("_exps.", StringComparison.Ordinal) ? WeightUse.Routed
        : WeightUse.Always;

    /// <summary>N of <c>blk.N.*</c>, or -1 for other names.</summary>
    public static int BlockOf(string tensor)
    {
        string[] parts = tensor.Split('.', 3);
        return parts.Length == 3 && parts[0] == "blk" && int.TryParse(parts[1], out int block) ? block : -1;
    }
}
