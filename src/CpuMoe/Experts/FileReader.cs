using CpuMoe.Gguf;
using Microsoft.Win32.SafeHandles;

namespace CpuMoe.Experts;

/// <summary>Reads the files of a model: past the page cache, or through it and dropping what was read.</summary>
/// <remarks>
/// What is read goes to memory that the engine keeps itself; a second copy in the page cache would take the room of
/// other experts. Past the cache is the way unless the disk is clearly faster the other way, which is tried out.
/// </remarks>
internal sealed unsafe class FileReader : IWeightReader
{
    private readonly GgufFile _file;

    // Per part; null where the file system has no direct reads.
    private readonly SafeFileHandle?[] _direct;

    private FileReader(GgufFile file, bool direct)
    {
        _file = file;
        _direct = new SafeFileHandle?[file.PartPaths.Count];
        for (int part = 0; part < _direct.Length; part++)
        {
            _direct[part] = direct ? LinuxCalls.OpenDirect(file.Handle(part)) : null;
            if (_direct[part] is null)
            {
                // What the system reads ahead of an expert would stay in the page cache.
                LinuxCalls.ExpectRandomReads(file.Handle(part));
            }
        }
    }

    /// <inheritdoc/>
    public string Mode => Array.TrueForAll(_direct, handle => handle is not null) ? "direct" : "buffered";

    /// <summary>Opens the parts of a model in the way that is faster on their disk.</summary>
    public static FileReader Open(GgufFile file)
    {
        var direct = new FileReader(file, direct: true);
        if (direct.Mode == "direct")
        {
            var buffered = new FileReader(file, direct: false);
            if (!ReadProbe.IsClearlyFaster(buffered, direct, file))
            {
                return direct;
            }

            direct.Dispose();
            return buffered;
        }

        direct.Dispose();
        return new FileReader(file, direct: false);
    }

    /// <inheritdoc/>
    public int Read(int part, long offset, byte* target, int length)
    {
        SafeFileHandle? direct = _direct[part];
        if (direct is not null)
        {
            return RandomAccess.Read(direct, new Span<byte>(target, length), offset);
        }

        SafeFileHandle handle = _file.Handle(part);
        int got = RandomAccess.Read(handle, new Span<byte>(target, length), offset);
        LinuxCalls.DropCached(handle, offset, length);
        return got;
    }

    /// <inheritdoc/>
    public string PathOf(int part) => _file.PartPaths[part];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SafeFileHandle? handle in _direct)
        {
            handle?.Dispose();
        }
    }
}
