namespace CpuMoe.Gguf;

/// <summary>Writes a model as a set of split files, used like a <see cref="GgufWriter"/>.</summary>
/// <remarks>
/// The first part holds all metadata, the others only the <c>split.*</c> keys, as llama.cpp's gguf-split writes them;
/// hence a <c>general.alignment</c> holds for the first part and the others use 32.
/// </remarks>
public sealed class GgufSplitWriter : IDisposable
{
    private readonly GgufContent _content = new();
    private readonly string _prefix;
    private readonly int _maxTensors;
    private readonly long _maxBytes;
    private readonly bool _metadataOnlyFirst;
    private List<GgufContent>? _plan;
    private GgufWriter? _current;
    private int _part = -1;
    private int _writtenInPart;

    /// <summary>Creates a writer.</summary>
    /// <param name="prefix">The path without <c>-00001-of-00003.gguf</c>.</param>
    /// <param name="maxTensors">The most tensors of a part.</param>
    /// <param name="maxBytes">The most tensor bytes of a part; a larger tensor has a part of its own.</param>
    /// <param name="metadataOnlyFirst">Whether the first part holds no tensors.</param>
    public GgufSplitWriter(string prefix, int maxTensors = int.MaxValue, long maxBytes = long.MaxValue, bool metadataOnlyFirst = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(prefix);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxTensors);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytes);
        _prefix = prefix;
        _maxTensors = maxTensors;
        _maxBytes = maxBytes;
        _metadataOnlyFirst = metadataOnlyFirst;
    }

    /// <summary>The paths of the parts; empty until the first data are written.</summary>
    public IReadOnlyList<string> Paths { get; private set; } = [];

    /// <inheritdoc cref="GgufWriter.Add(string, object)"/>
    public void Add(string key, object value) => Add(new GgufEntry(key, value));

    /// <inheritdoc cref="GgufWriter.Add(GgufEntry)"/>
    public void Add(GgufEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ThrowIfPlanned();
        _content.Add(entry);
    }

    /// <inheritdoc cref="GgufWriter.Declare"/>
    public void Declare(string name, GgmlType type, params ReadOnlySpan<long> dimensions)
    {
        ArgumentNullException.ThrowIfNull(name);
        ThrowIfPlanned();
        _content.Declare(name, type, dimensions);
    }

    /// <inheritdoc cref="GgufWriter.WriteTensor(string, ReadOnlySpan{byte})"/>
    public void WriteTensor(string name, ReadOnlySpan<byte> data)
    {
        WriterOfNext().WriteTensor(name, data);
        _writtenInPart++;
    }

    /// <inheritdoc cref="GgufWriter.WriteTensor(string, Action{Stream})"/>
    public void WriteTensor(string name, Action<Stream> write)
    {
        WriterOfNext().WriteTensor(name, write);
        _writtenInPart++;
    }

    /// <summary>Ends the last part.</summary>
    /// <exception cref="InvalidOperationException">The data of a declared tensor are missing.</exception>
    public void Complete() => WriterOfNext().Complete();

    /// <inheritdoc/>
    public void Dispose() => _current?.Dispose();

    private void ThrowIfPlanned()
    {
        if (_plan is not null)
        {
            throw new InvalidOperationException("Metadata and tensors must be declared before the first data are written.");
        }
    }

    /// <summary>The writer of the part that holds the next tensor; finished parts are ended on the way.</summary>
    private GgufWriter WriterOfNext()
    {
        _plan ??= Plan();
        while (_current is null || (_writtenInPart == _plan[_part].Tensors.Count && _part < _plan.Count - 1))
        {
            _current?.Complete();
            _current?.Dispose();
            _part++;
            _writtenInPart = 0;
            _current = new GgufWriter(new FileStream(Paths[_part], FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16), leaveOpen: false, _plan[_part]);
        }

        return _current;
    }

    private List<GgufContent> Plan()
    {
        List<GgufContent> parts = [new()];
        if (_metadataOnlyFirst)
        {
            parts.Add(new());
        }

        long bytes = 0;
        foreach (GgufContent.Tensor tensor in _content.Tensors)
        {
            int tensors = parts[^1].Tensors.Count;
            if (tensors > 0 && (tensors >= _maxTensors || tensor.ByteCount > _maxBytes - bytes))
            {
                parts.Add(new());
                bytes = 0;
            }

            parts[^1].Declare(tensor.Name, tensor.Type, tensor.Dimensions);
            bytes += tensor.ByteCount;
        }

        if (parts.Count > GgufRules.MaxParts)
        {
            throw new InvalidOperationException($"The model would have {parts.Count} parts, more than {GgufRules.MaxParts}; allow larger parts.");
        }

        foreach (GgufEntry entry in _content.Entries)
        {
            parts[0].Add(entry);
        }

        for (int i = 0; i < parts.Count; i++)
        {
            parts[i].Add(new GgufEntry(GgufSplit.IndexKey, (ushort)i));
            parts[i].Add(new GgufEntry(GgufSplit.CountKey, (ushort)parts.Count));
            parts[i].Add(new GgufEntry(GgufSplit.TensorCountKey, _content.Tensors.Count));
        }

        Paths = [.. Enumerable.Range(0, parts.Count).Select(i => GgufSplit.PathOf(_prefix, i, parts.Count))];
        return parts;
    }
}
