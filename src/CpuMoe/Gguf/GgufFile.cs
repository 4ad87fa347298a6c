using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;

namespace CpuMoe.Gguf;

/// <summary>A memory-mapped GGUF file, or a set of split files opened by its first part.</summary>
/// <remarks>
/// Nothing is copied: tensor bytes are pages of the file. A file that is cut while it is mapped kills the process at
/// the next access to the missing pages; <see cref="EnsureUnchanged"/>, called between units of work, turns the usual
/// case (another program rewrites the file) into an error. A new file put in its place under the same name is harmless.
/// </remarks>
public sealed class GgufFile : IDisposable
{
    private readonly GgufPart[] _parts;
    private readonly GgufTensor[] _tensors;
    private readonly Dictionary<string, GgufTensor> _byName;
    private bool _disposed;

    private GgufFile(string path, GgufPart[] parts)
    {
        Path = path;
        _parts = parts;
        _tensors = [.. parts.SelectMany(part => part.Header.Tensors)];
        _byName = IndexByName(parts, _tensors);
        CheckQuantizationVersion();
        PartPaths = [.. parts.Select(part => part.Path)];
        FileBytes = parts.Sum(part => part.Length);
        Warnings = [.. parts.SelectMany(part => part.Header.Warnings.Select(warning => $"{part.Path}: {warning}"))];
    }

    /// <summary>The path given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <summary>The paths of all parts; <see cref="GgufTensor.Shard"/> is an index into it.</summary>
    public IReadOnlyList<string> PartPaths { get; }

    /// <summary>The container version, 2 or 3.</summary>
    public int Version => _parts[0].Header.Version;

    /// <summary>The metadata (of the first part).</summary>
    public GgufMetadata Metadata => _parts[0].Header.Metadata;

    /// <summary>The tensors of all parts in file order.</summary>
    public IReadOnlyList<GgufTensor> Tensors => _tensors;

    /// <summary>The total size of all parts in bytes.</summary>
    public long FileBytes { get; }

    /// <summary>Things that are odd but harmless (trailing bytes, ...).</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>Opens and validates a file; split parts are found beside it.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="GgufFormatException">The file is malformed, truncated, not a model, or a part is missing.</exception>
    public static GgufFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        List<GgufPart> parts = [];
        try
        {
            parts.Add(GgufPart.Open(path, 0));
            CheckIsModel(parts[0].Header.Metadata);
            OpenLaterParts(path, parts);
            return new GgufFile(path, [.. parts]);
        }
        catch
        {
            parts.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>Looks a tensor up by name.</summary>
    public bool TryGetTensor(string name, [NotNullWhen(true)] out GgufTensor? tensor) => _byName.TryGetValue(name, out tensor);

    /// <summary>The open handle of a part.</summary>
    internal SafeFileHandle Handle(int part) => _parts[part].Handle;

    /// <summary>The bytes of a part.</summary>
    internal long LengthOf(int part) => _parts[part].Length;

    /// <summary>Throws when a part was cut or written to since it was mapped.</summary>
    /// <exception cref="GgufFormatException">The length or the time of the last write differs.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public void EnsureUnchanged()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (GgufPart part in _parts)
        {
            part.EnsureUnchanged();
        }
    }

    /// <summary>Unmaps the file; <see cref="GgufTensor.Bytes"/> must not be in use any more.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            Array.ForEach(_parts, part => part.Dispose());
        }
    }

    private static void OpenLaterParts(string path, List<GgufPart> parts)
    {
        GgufHeader first = parts[0].Header;
        int count = GgufSplit.CountOf(first.Metadata);
        if (count == 1)
        {
            return;
        }

        string prefix = GgufSplit.PrefixOf(path, first.Metadata, count);
        for (int i = 1; i < count; i++)
        {
            parts.Add(OpenLaterPart(GgufSplit.PathOf(prefix, i, count), i, count));
            GgufSplit.CheckPart(first, parts[i].Header, i, count);
        }

        GgufSplit.CheckTensorCount(first.Metadata, parts.Sum(part => part.Header.Tensors.Length));
    }

    private static GgufPart OpenLaterPart(string path, int index, int count)
    {
        try
        {
            return GgufPart.Open(path, index);
        }
        catch (IOException fault)
        {
            throw new GgufFormatException($"part {index + 1} of {count} cannot be opened; put all parts into one folder. {fault.Message}", path, -1, "file", fault);
        }
    }

    private static void CheckIsModel(GgufMetadata metadata)
    {
        if (metadata.TryGetString("general.type", out string? type) && type != "model")
        {
            throw metadata.Fault("general.type", $"the file holds '{GgufRules.Printable(type)}', not a model; open the model itself");
        }
    }

    private void CheckQuantizationVersion()
    {
        const string Key = "general.quantization_version";
        const int Supported = 2;
        int version = Metadata.GetInt32(Key, Supported);
        if (version != Supported && Array.Exists(_tensors, tensor => tensor.Type.ValuesPerBlock() > 1))
        {
            throw Metadata.Fault(Key, $"version {version} of the quantised formats is not supported, only {Supported}; quantise the model again with a current tool");
        }
    }

    private static Dictionary<string, GgufTensor> IndexByName(GgufPart[] parts, GgufTensor[] tensors)
    {
        Dictionary<string, GgufTensor> index = new(tensors.Length, StringComparer.Ordinal);
        foreach (GgufTensor tensor in tensors)
        {
            if (!index.TryAdd(tensor.Name, tensor))
            {
                throw new GgufFormatException(
                    $"the tensor is also in {parts[index[tensor.Name].Shard].Path}; the parts are mixed up, download them again", parts[tensor.Shard].Path, tensor.RecordOffset, tensor.Name);
            }
        }

        return index;
    }
}
