using System.Globalization;
using System.Text.RegularExpressions;

namespace CpuMoe.Gguf;

/// <summary>
/// A model being written: under other names first, so that a file of the final name is always whole. What is not
/// completed is deleted.
/// </summary>
internal sealed partial class GgufDraft : IDisposable
{
    private const string Ending = ".gguf";
    private const string Partial = ".partial";

    // Metadata and directory of the largest models are below this.
    private const long MetadataBytes = 32L << 20;

    private readonly string _folder;
    private readonly string _name;
    private readonly GgufWriter? _single;
    private readonly GgufSplitWriter? _split;
    private long _tensorBytes;
    private bool _isComplete;

    /// <summary>Prepares a model; nothing is written yet.</summary>
    /// <param name="path">The file; of a set of split files the path without the numbers, whose ending may be missing.</param>
    /// <param name="maxPartBytes">The most tensor bytes of a part (a larger tensor has a part of its own); null for a single file.</param>
    /// <exception cref="IOException">The folder is missing, or the path is one.</exception>
    public GgufDraft(string path, long? maxPartBytes)
    {
        _folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? path;
        if (Directory.Exists(path))
        {
            throw new IOException($"{path} is a folder; name a file");
        }

        if (!Directory.Exists(_folder))
        {
            throw new IOException($"no such folder: {_folder}");
        }

        _name = Path.GetFileName(path);
        if (maxPartBytes is { } most)
        {
            _name = _name.EndsWith(Ending, StringComparison.Ordinal) ? _name[..^Ending.Length] : _name;
            _split = new GgufSplitWriter(PartialPath, maxBytes: most);
        }
        else
        {
            _single = GgufWriter.Create(PartialPath);
        }
    }

    private string PartialPath => Path.Combine(_folder, _name + Partial);

    /// <summary>Whether the draft will take the name of a file, or may.</summary>
    public bool Claims(string path)
    {
        string full = Path.GetFullPath(path);
        string name = Path.GetFileName(full);
        return Path.GetDirectoryName(full) == _folder
            && (_split is null ? name == _name : name.StartsWith(_name, StringComparison.Ordinal) && PartNumbers.IsMatch(name.AsSpan(_name.Length)));
    }

    /// <summary>Refuses to replace files.</summary>
    /// <exception cref="IOException">There are files of the name, and <paramref name="overwrite"/> is not set.</exception>
    public void CheckNames(bool overwrite)
    {
        if (!overwrite && Directory.EnumerateFiles(_folder).FirstOrDefault(Claims) is { } existing)
        {
            throw new IOException($"{existing} exists already; choose another name, or allow it to be replaced (--force)");
        }
    }

    /// <inheritdoc cref="GgufWriter.Add(GgufEntry)"/>
    public void Add(GgufEntry entry)
    {
        _single?.Add(entry);
        _split?.Add(entry);
    }

    /// <inheritdoc cref="GgufWriter.Declare"/>
    public void Declare(string name, GgmlType type, params ReadOnlySpan<long> dimensions)
    {
        _single?.Declare(name, type, dimensions);
        _split?.Declare(name, type, dimensions);
        long values = 1;
        foreach (long dimension in dimensions)
        {
            values *= dimension;
        }

        _tensorBytes += type.RowBytes(values);
    }

    /// <summary>Refuses a model that does not fit the disk, once all is declared.</summary>
    /// <exception cref="IOException">The folder has not enough space.</exception>
    public void CheckSpace()
    {
        long needed = _tensorBytes + MetadataBytes;
        long free = new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(_folder)! : _folder).AvailableFreeSpace;
        if (free < needed)
        {
            throw new IOException($"{_folder} has {Gibibytes(free)} of free space, the model needs {Gibibytes(needed)}; free some or choose another folder or smaller number formats");
        }
    }

    /// <inheritdoc cref="GgufWriter.WriteTensor(string, Action{Stream})"/>
    public void WriteTensor(string name, Action<Stream> write)
    {
        _single?.WriteTensor(name, write);
        _split?.WriteTensor(name, write);
    }

    /// <summary>Ends the files and gives them their names, the first part last.</summary>
    /// <returns>Their paths.</returns>
    /// <exception cref="InvalidOperationException">The data of a declared tensor are missing.</exception>
    public IReadOnlyList<string> Complete()
    {
        _single?.Complete();
        _split?.Complete();
        Close();
        string[] partials = Partials();
        string[] names = [.. partials.Select(partial => Path.Combine(_folder, _name + partial[PartialPath.Length..]))];
        for (int i = names.Length - 1; i >= 0; i--)
        {
            File.Move(partials[i], names[i], overwrite: true);
        }

        _isComplete = true;
        return names;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_isComplete)
        {
            Close();
            Array.ForEach(Partials(), File.Delete);
        }
    }

    [GeneratedRegex(@"^-\d{5}-of-\d{5}\.gguf$")]
    private static partial Regex PartNumbers { get; }

    private static string Gibibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 30):F1} GiB");

    private string[] Partials() => _split is null ? [PartialPath] : [.. _split.Paths];

    private void Close()
    {
        _single?.Dispose();
        _split?.Dispose();
    }
}
