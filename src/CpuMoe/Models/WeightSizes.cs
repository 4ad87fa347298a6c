using CpuMoe.Gguf;

namespace CpuMoe.Models;

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
    public static WeightSizes Of(GgufFile file, int trunkBlocks, Func<GgufTensor, long> size)
    {
        bool tied = !file.TryGetTensor(Output, out _);
        long always = 0, routed = 0, lookedUp = 0;
        foreach (GgufTensor tensor in file.Tensors.Where(tensor => BlockOf(tensor.Name) < trunkBlocks))
        {
            if (tensor.Name == Embedding && !tied)
            {
                lookedUp += size(tensor);
            }
            else if (tensor.Name.Contains("_exps.", StringComparison.Ordinal))
            {
                routed += size(tensor);
            }
            else
            {
                always += size(tensor);
            }
        }

        return new WeightSizes(always, routed, lookedUp);
    }

    /// <summary>N of <c>blk.N.*</c>, or -1 for other names.</summary>
    private static int BlockOf(string tensor)
    {
        string[] parts = tensor.Split('.', 3);
        return parts.Length == 3 && parts[0] == "blk" && int.TryParse(parts[1], out int block) ? block : -1;
    }
}
