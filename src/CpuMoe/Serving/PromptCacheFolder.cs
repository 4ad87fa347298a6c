namespace CpuMoe.Serving;

/// <summary>The files of a prompt cache: which there are, and which go when they are too many. Safe for concurrent use.</summary>
/// <remarks>
/// The time of a file's last write is that of its last use, so that it outlives the process. Of one prompt the first
/// blocks count as used last: the others are of no use without them. Other processes may use the folder as well: a file
/// that has gone is as if it had not been known.
/// </remarks>
internal sealed class PromptCacheFolder
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = [];
    private readonly string _folder;
    private readonly long _limit;
    private long _bytes;

    /// <summary>Opens a folder, creates it where it does not exist, and forgets the oldest files beyond the limit.</summary>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be used.</exception>
    public PromptCacheFolder(string folder, long limit)
    {
        _folder = folder;
        _limit = limit;
        foreach (FileInfo file in Directory.CreateDirectory(folder).EnumerateFiles())
        {
            if (file.Extension == PromptBlockFile.Extension)
            {
                _entries[Path.GetFileNameWithoutExtension(file.Name)] = new Entry(file.Length) { LastUse = file.LastWriteTimeUtc };
                _bytes += file.Length;
            }
            else if (file.Extension == PromptBlockFile.DraftExtension && file.LastWriteTimeUtc < DateTime.UtcNow.AddHours(-1))
            {
                file.Delete();
            }
        }

        MakeRoom(0);
    }

    /// <summary>Where a block is stored.</summary>
    public string PathOf(PromptBlock block) => Path.Combine(_folder, block.Name + PromptBlockFile.Extension);

    /// <summary>How many of the blocks of a prompt, the first ones, are stored.</summary>
    public int CountStored(List<PromptBlock> blocks)
    {
        lock (_gate)
        {
            int missing = blocks.FindIndex(block => !_entries.ContainsKey(block.Name));
            return missing < 0 ? blocks.Count : missing;
        }
    }

    /// <summary>Notes that a stored block was used.</summary>
    /// <param name="block">The block.</param>
    /// <param name="time">When its prompt was used, the same for all blocks of it.</param>
    public void Touch(PromptBlock block, DateTime time)
    {
        DateTime use = UseOf(block, time);
        lock (_gate)
        {
            if (!_entries.TryGetValue(block.Name, out Entry? entry))
            {
                return;
            }

            entry.LastUse = use;
        }

        try
        {
            File.SetLastWriteTimeUtc(PathOf(block), use);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // It only goes a little earlier.
        }
    }

    /// <summary>Deletes the files used longest ago until there is room for one of <paramref name="bytes"/>; false where there never is.</summary>
    public bool MakeRoom(long bytes)
    {
        lock (_gate)
        {
            if (bytes > _limit)
            {
                return false;
            }

            if (_bytes + bytes > _limit)
            {
                foreach (string name in _entries.OrderBy(entry => entry.Value.LastUse).Select(entry => entry.Key).ToArray())
                {
                    if (_bytes + bytes <= _limit)
                    {
                        break;
                    }

                    Delete(name);
                }
            }

            return true;
        }
    }

    /// <summary>Notes a file that was written.</summary>
    public void Add(PromptBlock block, long bytes, DateTime time)
    {
        lock (_gate)
        {
            if (_entries.TryAdd(block.Name, new Entry(bytes)))
            {
                _bytes += bytes;
            }
        }

        Touch(block, time);
    }

    /// <summary>Deletes the file of a block.</summary>
    public void Remove(PromptBlock block)
    {
        lock (_gate)
        {
            Delete(block.Name);
        }
    }

    private static DateTime UseOf(PromptBlock block, DateTime time) => time.AddMilliseconds(-block.First / PromptBlock.Length);

    private void Delete(string name)
    {
        if (_entries.Remove(name, out Entry? entry))
        {
            _bytes -= entry.Bytes;
        }

        try
        {
            File.Delete(Path.Combine(_folder, name + PromptBlockFile.Extension));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Another process has it open, or owns the folder.
        }
    }

    private sealed class Entry(long bytes)
    {
        public long Bytes { get; } = bytes;

        public DateTime LastUse { get; set; }
    }
}
