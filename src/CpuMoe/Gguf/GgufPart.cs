using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace CpuMoe.Gguf;

/// <summary>One file on disk: its header read, its bytes mapped, its handle kept open to notice changes.</summary>
internal sealed unsafe class GgufPart : IDisposable
{
    private readonly FileStream _stream;
    private readonly long _length;
    private readonly DateTime _lastWrite;
    private MemoryMappedFile? _map;
    private MemoryMappedViewAccessor? _view;
    private bool _pointerAcquired;

    private GgufPart(FileStream stream, string path, int shard)
    {
        _stream = stream;
        _length = stream.Length;
        _lastWrite = File.GetLastWriteTimeUtc(stream.SafeFileHandle);
        Path = path;
        Header = GgufHeader.Read(stream, _length, path, shard);
    }

    public string Path { get; }

    public GgufHeader Header { get; }

    public long Length => _length;

    public SafeFileHandle Handle => _stream.SafeFileHandle;

    /// <summary>Opens, checks and maps a file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="GgufFormatException">The file is not a regular file or is malformed.</exception>
    public static GgufPart Open(string path, int shard)
    {
        CheckRegular(path);
        FileStream stream = OpenStream(path);
        GgufPart? part = null;
        try
        {
            part = new GgufPart(stream, path, shard);
            part.Map();
            return part;
        }
        catch
        {
            part?.Dispose();
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Throws when the file was written to or cut since it was opened.</summary>
    public void EnsureUnchanged()
    {
        long length = RandomAccess.GetLength(_stream.SafeFileHandle);
        if (length != _length)
        {
            throw new GgufFormatException($"the file had {_length} bytes when it was opened and has {length} now; open it again when nothing writes to it", Path, -1, "file");
        }

        if (File.GetLastWriteTimeUtc(_stream.SafeFileHandle) != _lastWrite)
        {
            throw new GgufFormatException("the file was written to since it was opened; open it again when nothing writes to it", Path, -1, "file");
        }
    }

    public void Dispose()
    {
        foreach (GgufTensor tensor in Header.Tensors)
        {
            tensor.Data = null;
        }

        if (_pointerAcquired)
        {
            _view!.SafeMemoryMappedViewHandle.ReleasePointer();
            _pointerAcquired = false;
        }

        _view?.Dispose();
        _map?.Dispose();
        _stream.Dispose();
    }

    private void Map()
    {
        // A file that shrank meanwhile makes mapping fail; name that cause rather than the mapping.
        EnsureUnchanged();
        _map = MemoryMappedFile.CreateFromFile(_stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _map.CreateViewAccessor(0, _length, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _pointerAcquired = true;
        start += _view.PointerOffset;
        foreach (GgufTensor tensor in Header.Tensors)
        {
            tensor.Data = start + tensor.FileOffset;
        }

        EnsureUnchanged();
    }

    /// <summary>Refuses folders, devices and pipes before they are opened: opening a pipe could wait for ever.</summary>
    private static void CheckRegular(string path)
    {
        FileSystemInfo file = new FileInfo(path);
        if (file.LinkTarget is not null)
        {
            // Download caches link to the files; what counts is where the link ends.
            file = file.ResolveLinkTarget(returnFinalTarget: true) ?? file;
        }

        if (Directory.Exists(file.FullName))
        {
            throw new GgufFormatException("this is a folder; name the .gguf file in it", path, -1, "file");
        }

        if (!file.Exists || file is not FileInfo { Length: var length })
        {
            throw new FileNotFoundException($"There is no file {path}. Check the path of the model.", path);
        }

        if (length < GgufRules.HeaderBytes)
        {
            throw new GgufFormatException($"{length} bytes are too few for a GGUF file; it is empty, truncated, or not a regular file", path, 0, "header");
        }
    }

    private static FileStream OpenStream(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        }
        catch (UnauthorizedAccessException fault)
        {
            throw new IOException($"{path} cannot be read: access is denied. Check the permissions of the file.", fault);
        }
    }
}
