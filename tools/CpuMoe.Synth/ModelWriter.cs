using CpuMoe.Gguf;

namespace CpuMoe.Synth;

/// <summary>Writes a planned model.</summary>
/// <param name="plan">The model.</param>
/// <param name="seed">Of its weights.</param>
/// <param name="skew">Zipf's exponent of the expert popularity.</param>
internal sealed class ModelWriter(ModelPlan plan, ulong seed, double skew)
{
    /// <summary>Called with the bytes of each piece that is written; may throw to end the work.</summary>
    public Action<int> Written { get; init; } = _ => { };

    /// <summary>Writes a file, or a set of split files, <c>name-00001-of-00003.gguf</c> and so on for <c>name.gguf</c>.</summary>
    /// <param name="path">The file; of a set the path without the numbers, whose ending may be missing.</param>
    /// <param name="maxPartBytes">The most tensor bytes of a part; a larger tensor has a part of its own.</param>
    /// <returns>The path of the file, or of the first part.</returns>
    /// <exception cref="IOException">The folder is missing or has not enough space, or a file cannot be written.</exception>
    public string Write(string path, long? maxPartBytes = null)
    {
        using GgufDraft draft = new(path, maxPartBytes);
        foreach (GgufEntry entry in ModelMetadata.Of(plan, seed))
        {
            draft.Add(entry);
        }

        foreach (PlannedTensor tensor in plan.Tensors)
        {
            draft.Declare(tensor.Name, tensor.Type, tensor.Dimensions);
        }

        draft.CheckSpace();
        ExpertPopularity popularity = new(plan.Shape.Experts, plan.Shape.ExpertsUsed, skew);
        bool hasSelectionBias = plan.Tensors.Any(tensor => tensor.Role == TensorRole.SelectionBias);
        WeightSource weights = new(seed, popularity, hasSelectionBias, plan.EmbeddingDeviation, plan.Turns);
        foreach (PlannedTensor tensor in plan.Tensors)
        {
            draft.WriteTensor(tensor.Name, stream => weights.Write(tensor, stream, Written));
        }

        return draft.Complete()[0];
    }
}
