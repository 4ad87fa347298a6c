using System.Runtime.InteropServices;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Models;

/// <summary>The entries and tensors of a model file, to be changed at will before they are written.</summary>
internal sealed class TinyGlmContent
{
    /// <summary>Metadata by key.</summary>
    public Dictionary<string, object> Metadata { get; } = [];

    /// <summary>Tensors by name.</summary>
    public Dictionary<string, TinyTensor> Tensors { get; } = [];

    public static byte[] Bytes(ReadOnlySpan<float> values) => MemoryMarshal.AsBytes(values).ToArray();

    public void Add(string name, GgmlType type, long[] dimensions, byte[] data) => Tensors.Add(name, new TinyTensor(type, dimensions, data));

    /// <summary>Replaces a tensor by zeros of another type or shape.</summary>
    public void Reshape(string name, GgmlType type, params long[] dimensions) =>
        Tensors[name] = new TinyTensor(type, dimensions, new byte[type.RowBytes(dimensions.Aggregate((a, b) => a * b))]);

    /// <summary>Takes over the content of another file.</summary>
    public static TinyGlmContent Read(GgufFile file)
    {
        var content = new TinyGlmContent();
        foreach (GgufEntry entry in file.Metadata.Entries)
        {
            content.Metadata.Add(entry.Key, entry.Value);
        }

        foreach (GgufTensor tensor in file.Tensors)
        {
            content.Add(tensor.Name, tensor.Type, [.. tensor.Dimensions.Take(tensor.Rank)], tensor.Bytes.ToArray());
        }

        return content;
    }

    public void Write(string path)
    {
        using var writer = GgufWriter.Create(path);
        foreach ((string key, object value) in Metadata)
        {
            writer.Add(key, value);
        }

        foreach ((string name, TinyTensor tensor) in Tensors)
        {
            writer.Declare(name, tensor.Type, tensor.Dimensions);
        }

        foreach ((string name, TinyTensor tensor) in Tensors)
        {
            writer.WriteTensor(name, tensor.Data);
        }

        writer.Complete();
    }
}

/// <summary>A tensor to be written.</summary>
internal sealed record TinyTensor(GgmlType Type, long[] Dimensions, byte[] Data);
