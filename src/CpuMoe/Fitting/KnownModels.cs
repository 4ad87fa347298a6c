using System.Text.Json;
using CpuMoe.Gguf;

namespace CpuMoe.Fitting;

/// <summary>The list of known models: <c>known-models.json</c>, which lists GGUF keys and tensors as a file in F16 would have them.</summary>
internal static class KnownModels
{
    public static IReadOnlyList<ModelOutline> Read()
    {
        KnownModelList list = FitJson.ReadEmbedded("known-models.json", FitJson.Default.KnownModelList);
        return [.. list.Models.Select(Outline)];
    }

    private static ModelOutline Outline(KnownModel model) => new(
        model.Name,
        new GgufMetadata(model.Metadata.Select(key => new GgufEntry(key.Key, ValueOf(key.Value)))),
        [.. model.Tensors.SelectMany(TensorsOf)],
        model.MetadataBytes);

    private static object ValueOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ when value.TryGetUInt32(out uint number) => number,
        _ => value.GetSingle(),
    };

    private static IEnumerable<OutlineTensor> TensorsOf(KnownTensor tensor) => tensor.Blocks is not { } blocks
        ? [TensorOf(tensor.Name, tensor.Shape)]
        : Enumerable.Range(blocks[0], blocks[1] - blocks[0] + 1).Select(block => TensorOf($"blk.{block}.{tensor.Name}", tensor.Shape));

    private static OutlineTensor TensorOf(string name, long[] shape) =>
        new(name, Quantization.QuantMix.Quantizes(name, shape.Length) ? GgmlType.F16 : GgmlType.F32, shape);
}

/// <summary>The models of <c>known-models.json</c>.</summary>
internal sealed record KnownModelList(KnownModel[] Models);

/// <summary>A model without a file.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="Title">The name of its authors.</param>
/// <param name="Source">Where the numbers come from.</param>
/// <param name="MetadataBytes">The file without its tensors, about.</param>
/// <param name="Metadata">The GGUF keys that matter.</param>
/// <param name="Tensors">The tensors.</param>
internal sealed record KnownModel(
    string Name, string Title, string Source, long MetadataBytes, Dictionary<string, JsonElement> Metadata, KnownTensor[] Tensors);

/// <summary>A tensor of the model, or one of each block in a range.</summary>
/// <param name="Name">Its name, of a block without <c>blk.N.</c>.</param>
/// <param name="Shape">Row length first.</param>
/// <param name="Blocks">The first and the last block.</param>
internal sealed record KnownTensor(string Name, long[] Shape, int[]? Blocks = null);
