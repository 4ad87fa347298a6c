using CpuMoe.Compute;
using CpuMoe.Experts;
using CpuMoe.Gguf;

namespace CpuMoe.Models;

/// <summary>Looks tensors up by name and checks that they have the shape and type the architecture asks for.</summary>
/// <param name="file">The model.</param>
/// <param name="path">The kernels.</param>
/// <param name="resident">Where tensors are read to; null where they stay in the mapped file.</param>
internal sealed unsafe class TensorBinder(GgufFile file, MatMulPath path, ResidentWeights? resident = null)
{
    private readonly HashSet<string> _claimed = [];

    /// <summary>Whether the file has the tensor.</summary>
    public bool Has(string name) => file.TryGetTensor(name, out _);

    /// <summary>A weight matrix [rows][columns].</summary>
    /// <exception cref="ModelLoadException">Missing, of another shape, or of a type the engine cannot compute with.</exception>
    public WeightMatrix Matrix(string name, int rows, int columns) => Bind(Find(name, columns, rows));

    /// <summary>One matrix [rows][columns] of each of <paramref name="count"/> experts, in a stack with <paramref name="stride"/> rows per expert.</summary>
    /// <param name="name">The stack.</param>
    /// <param name="count">Experts.</param>
    /// <param name="stride">Rows from one expert to the next.</param>
    /// <param name="first">The first row of the matrix among those of its expert.</param>
    /// <param name="rows">Rows of the matrix.</param>
    /// <param name="columns">Columns.</param>
    /// <exception cref="ModelLoadException">As <see cref="Matrix"/>.</exception>
    public ExpertMatrix Expert(string name, int count, int stride, int first, int rows, int columns)
    {
        GgufTensor tensor = Find(name, columns, stride, count);
        return new ExpertMatrix(tensor, KernelOf(tensor), stride, first, rows);
    }

    /// <summary>The embedding table, with as many rows as the file has; it stays on the disk where others are read.</summary>
    /// <exception cref="ModelLoadException">As <see cref="Matrix"/>.</exception>
    public EmbeddingTable Embedding(string name, int columns)
    {
        GgufTensor tensor = FindVocabulary(name, columns);
        WeightMatrix weights = Shape(tensor, tensor.Data);
        return resident is null ? new EmbeddingTable(weights) : new FileEmbeddingTable(weights, file, tensor);
    }

    /// <summary>A vocabulary matrix: [rows][columns] with as many rows as the file has.</summary>
    /// <exception cref="ModelLoadException">As <see cref="Matrix"/>.</exception>
    public WeightMatrix Vocabulary(string name, int columns) => Bind(FindVocabulary(name, columns));

    /// <summary>An F32 vector.</summary>
    /// <exception cref="ModelLoadException">Missing, of another length, or not F32.</exception>
    public float* Vector(string name, int length)
    {
        GgufTensor tensor = Find(name, length);
        return tensor.Type == GgmlType.F32 ? (float*)DataOf(tensor) : throw Fault(tensor, $"is {tensor.Type}; the engine needs F32 here.");
    }

    /// <summary>An F32 vector, or null where the file has none.</summary>
    /// <exception cref="ModelLoadException">Of another length, or not F32.</exception>
    public float* OptionalVector(string name, int length) => Has(name) ? Vector(name, length) : null;

    /// <summary>The tensors that nothing has asked for.</summary>
    public IEnumerable<string> Unclaimed() => file.Tensors.Select(t => t.Name).Where(n => !_claimed.Contains(n));

    private GgufTensor Find(string name, params ReadOnlySpan<long> dimensions)
    {
        if (!file.TryGetTensor(name, out GgufTensor? tensor))
        {
            throw new ModelLoadException("The tensor is missing; the file is incomplete or of another architecture than it says.", file.Path, -1, $"tensor {name}");
        }

        for (int d = 0; d < tensor.Dimensions.Length && !dimensions.IsEmpty; d++)
        {
            long expected = d < dimensions.Length ? dimensions[d] : 1;
            if (tensor.Dimensions[d] != expected)
            {
                throw Fault(tensor, $"has the shape [{string.Join(", ", tensor.Dimensions)}]; the metadata asks for [{string.Join(", ", dimensions.ToArray())}].");
            }
        }

        _claimed.Add(name);
        return tensor;
    }

    private GgufTensor FindVocabulary(string name, int columns)
    {
        GgufTensor tensor = Find(name);
        return tensor.Dimensions[1] is >= 1 and <= int.MaxValue
            ? Find(name, columns, tensor.Dimensions[1])
            : throw Fault(tensor, $"{tensor.Dimensions[1]} rows are not a vocabulary.");
    }

    private WeightMatrix Bind(GgufTensor tensor) => Shape(tensor, DataOf(tensor));

    private WeightMatrix Shape(GgufTensor tensor, byte* data) => new(data, (int)tensor.Dimensions[1], (int)tensor.Dimensions[0], tensor.RowBytes, KernelOf(tensor));

    private MatMulKernel KernelOf(GgufTensor tensor) => MatMulKernel.For(tensor.Type, path)
        ?? throw Fault(tensor, $"has the type {tensor.Type}, which this engine cannot compute with; it supports {string.Join(", ", Blocks.BlockFormats.Supported)}.");

    private byte* DataOf(GgufTensor tensor) => resident is null ? tensor.Data : resident.Place(tensor);

    private ModelLoadException Fault(GgufTensor tensor, string problem) => new(problem, file.Path, tensor.RecordOffset, $"tensor {tensor.Name}");
}
