using System.Diagnostics.CodeAnalysis;

namespace CpuMoe.Gguf;

/// <summary>A memory-mapped GGUF file, or a set of split files opened by its first part.</summary>
public sealed class GgufFile : IDisposable
{
    /// <summary>Opens and validates a file; split parts are found beside it.</summary>
    public static GgufFile Open(string path) => throw new NotImplementedException();

    /// <summary>The path given to <see cref="Open"/>.</summary>
    public string Path => throw new NotImplementedException();

    /// <summary>The container version, 2 or 3.</summary>
    public int Version => throw new NotImplementedException();

    /// <summary>The metadata (of the first part).</summary>
    public GgufMetadata Metadata => throw new NotImplementedException();

    /// <summary>The tensors of all parts in file order.</summary>
    public IReadOnlyList<GgufTensor> Tensors => throw new NotImplementedException();

    /// <summary>The total size of all parts in bytes.</summary>
    public long FileBytes => throw new NotImplementedException();

    /// <summary>Things that are odd but harmless (trailing bytes, ...).</summary>
    public IReadOnlyList<string> Warnings => throw new NotImplementedException();

    /// <summary>Looks a tensor up by name.</summary>
    public bool TryGetTensor(string name, [NotNullWhen(true)] out GgufTensor? tensor) => throw new NotImplementedException();

    /// <summary>Throws when a part was truncated or replaced since it was mapped.</summary>
    public void EnsureUnchanged() => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
