using System.Diagnostics.CodeAnalysis;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Quantization;

namespace CpuMoe.Fitting;

/// <summary>The tensors of a model without their data: all that an estimate needs.</summary>
public sealed class ModelOutline
{
    // The default of general.alignment.
    private const long Alignment = 32;

    private readonly GgufMetadata _metadata;
    private readonly long _metadataBytes;

    internal ModelOutline(string name, GgufMetadata metadata, IReadOnlyList<OutlineTensor> tensors, long metadataBytes)
    {
        Name = name;
        Tensors = tensors;
        Config = Glm4MoeConfig.Read(metadata);
        _metadata = metadata;
        _metadataBytes = metadataBytes;
    }

    /// <summary>The models that are known without a file: GLM-4.5 and its relatives, in F16.</summary>
    public static IReadOnlyList<ModelOutline> Known { get; } = KnownModels.Read();

    /// <summary>The name: of a known model as it is written on command lines, else the path of the file.</summary>
    public string Name { get; }

    /// <summary>The longest sequence the model was made for, in tokens.</summary>
    public int ContextLength => Config.ContextLength;

    /// <summary>Values in all tensors.</summary>
    public long ParameterCount => Tensors.Sum(tensor => tensor.ElementCount);

    /// <summary>The size of the file in bytes: exact for an opened file, for others as good as the metadata's size is known.</summary>
    public long FileBytes => _metadataBytes + Tensors.Sum(tensor => Align(tensor.ByteCount));

    /// <summary>The types of the weights that a pass multiplies.</summary>
    public IReadOnlyList<GgmlType> MatrixTypes => [.. Tensors.Where(tensor => tensor.Dimensions.Length >= 2).Select(tensor => tensor.Type).Distinct().Order()];

    internal IReadOnlyList<OutlineTensor> Tensors { get; }

    internal Glm4MoeConfig Config { get; }

    internal bool IsTied => Tensors.All(tensor => tensor.Name != WeightSizes.Output);

    /// <summary>Finds a known model by its name, in letters of either case.</summary>
    public static bool TryFind(string name, [NotNullWhen(true)] out ModelOutline? model)
    {
        model = Known.FirstOrDefault(candidate => candidate.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        return model is not null;
    }

    /// <summary>The model of a file, in the types that the file has.</summary>
    /// <exception cref="GgufFormatException">The file contradicts itself.</exception>
    /// <exception cref="FitException">The engine does not know its architecture.</exception>
    public static ModelOutline FromGguf(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (ModelSummary.FromGguf(file) is null)
        {
            throw new FitException($"{file.Path} is a model of an architecture that the engine does not run");
        }

        OutlineTensor[] tensors =
            [.. file.Tensors.Select(tensor => new OutlineTensor(tensor.Name, tensor.Type, [.. tensor.Dimensions.Take(Math.Max(1, tensor.Rank))]))];
        return new ModelOutline(file.Path, file.Metadata, tensors, file.FileBytes - tensors.Sum(tensor => Align(tensor.ByteCount)));
    }

    /// <summary>The same model with the types that quantising it from floats would give.</summary>
    public ModelOutline Quantized(QuantMix mix)
    {
        ArgumentNullException.ThrowIfNull(mix);
        return new ModelOutline(Name, _metadata, [.. Tensors.Select(tensor => tensor with { Type = TypeOf(tensor, mix) })], _metadataBytes);
    }

    private static long Align(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private GgmlType TypeOf(OutlineTensor tensor, QuantMix mix) => QuantMix.Quantizes(tensor.Name, tensor.Dimensions.Length)
        ? mix.TypeOf(tensor.Name, tensor.Dimensions[0], WeightSizes.BlockOf(tensor.Name), Config.BlockCount, IsTied)
        : GgmlType.F32;
}
