using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Models;

/// <summary>Looks tensors up by name and checks that they have the shape and type the architecture asks for.</summary>
internal sealed unsafe class TensorBinder(GgufFile file, MatMulPath path)
{
    private readonly HashSet<string> _claimed = [];

    /// <summary>Whether the file has the tensor.</summary>
    public bool Has(string name) => file.TryGetTensor(name, out _);

    /// <summary>A weight matrix [rows][columns].</summary>
    /// <exception cref="ModelLoadException">Missing, of another shape, or of a type the engine cannot compute with.</exception>
    public WeightMatrix Matrix(string name, int rows, int columns) => Bind(Find(name, columns, rows), rows);

    /// <summary>A stack of <paramref name="count"/> matrices [rows][columns], as one matrix [count * rows][columns].</summary>
    /// <exception cref="ModelLoadException">As <see cref="Matrix"/>.</exception>
    public WeightMatrix Stack(string name, int count, int rows, int columns) => Bind(Find(name, columns, rows, count), checked(count * rows));

    /// <summary>A vocabulary matrix: [rows][columns] with as many rows as the file has.</summary>
    /// <exception cref="ModelLoadException">As <see cref="Matrix"/>.</exception>
    public WeightMatrix Vocabulary(string name, int columns)
    {
        GgufTensor tensor = Find(name);
        if (tensor.Dimensions[1] is < 1 or > int.MaxValue)
        {
            throw Fault(tensor, $"{tensor.Dimensions[1]} rows are not a vocabulary.");
        }

        int rows = (int)tensor.Dimensions[1];
        return Bind(Find(name, columns, rows), rows);
    }

    /// <summary>An F32 vector.</summary>
    /// <exception cref="ModelLoadException">Missing, of another length, or not F32.</exception>
    public float* Vector(string name, int length)
    {
        GgufTensor tensor = Find(name, length);
        return tensor.Type == GgmlType.F32 ? (float*)tensor.Data : throw Fault(tensor, $"is {tensor.Type}; the engine needs F32 here.");
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

    private WeightMatrix Bind(GgufTensor tensor, int rows)
    {
        MatMulKernel kernel = MatMulKernel.For(tensor.Type, path)
            ?? throw Fault(tensor, $"has the type {tensor.Type}, which this engine cannot compute with; it supports {string.Join(", ", Blocks.BlockFormats.Supported)}.");
        return new WeightMatrix(tensor.Data, rows, (int)tensor.Dimensions[0], tensor.RowBytes, kernel);
    }

    private ModelLoadException Fault(GgufTensor tensor, string problem) => new(problem, file.Path, tensor.RecordOffset, $"tensor {tensor.Name}");
}
