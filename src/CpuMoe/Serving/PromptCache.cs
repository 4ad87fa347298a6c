using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using CpuMoe.Generation;
using CpuMoe.Models;

namespace CpuMoe.Serving;

/// <summary>Keeps the keys and values of prompts on the disk, so that they outlive slots and the process.</summary>
/// <remarks>
/// Everything happens beside the scheduler's thread. A file that is not what was written is deleted and counts as absent;
/// that nothing can be read or written only costs time.
/// </remarks>
internal sealed class PromptCache
{
    // Prompts that wait to be written; others are left out meanwhile.
    private const int MaxWaiting = 16;

    private readonly PromptCacheFolder _folder;
    private readonly byte[] _identity;
    private readonly Action<string> _warn;
    private readonly Channel<Snapshot> _waiting = Channel.CreateBounded<Snapshot>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly Task _writing;
    private volatile bool _isEnding;

    /// <summary>Opens a cache.</summary>
    /// <param name="model">The model.</param>
    /// <param name="type">The form of the keys and values.</param>
    /// <param name="folder">Where the files are.</param>
    /// <param name="limit">The most bytes of all files.</param>
    /// <param name="warn">Told what goes wrong.</param>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be used.</exception>
    public PromptCache(LanguageModel model, KvType type, string folder, long limit, Action<string> warn)
    {
        _folder = new PromptCacheFolder(folder, limit);
        _identity = SHA256.HashData([.. ModelFingerprint.Of(model.File, model.Compute), .. Encoding.UTF8.GetBytes(type.ToString())]);
        _warn = warn;
        _writing = Task.Run(WriteAll);
    }

    /// <summary>The tokens at the start of a prompt that are stored; the last token of the prompt never counts.</summary>
    public int StoredTokens(ReadOnlySpan<int> prompt) => _folder.CountStored(PromptBlock.Of(_identity, prompt[..^1])) * PromptBlock.Length;

    /// <summary>Reads stored positions of a prompt into a cache.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="cache">The cache; nobody else may use the positions from <paramref name="first"/> on.</param>
    /// <param name="first">The first position to read, the start of a block.</param>
    /// <param name="isWanted">Asked before each block.</param>
    /// <returns>How many positions were read.</returns>
    public int Load(ReadOnlySpan<int> prompt, KvCache cache, int first, Func<bool> isWanted)
    {
        byte[] values = new byte[PromptBlock.Length * cache.PositionBytes];
        DateTime now = DateTime.UtcNow;
        int position = first;
        foreach (PromptBlock block in PromptBlock.Of(_identity, prompt[..^1]).Skip(first / PromptBlock.Length))
        {
            if (!isWanted() || !TryRead(block, values))
            {
                break;
            }

            cache.Restore(position, PromptBlock.Length, values);
            position += PromptBlock.Length;
            _folder.Touch(block, now);
        }

        return position - first;
    }

    /// <summary>Stores the whole blocks of a sequence, later.</summary>
    /// <param name="slot">Where its keys and values are, unless it is used for something else by then.</param>
    public void Save(SchedulerSlot slot)
    {
        if (slot.Cached.Length >= PromptBlock.Length)
        {
            _waiting.Writer.TryWrite(new Snapshot(slot, slot.Cached.ToArray(), slot.Version));
        }
    }

    /// <summary>Lets what waits be written for <paramref name="grace"/>, then ends the writing after the block that is being written.</summary>
    public async Task EndAsync(TimeSpan grace)
    {
        _waiting.Writer.TryComplete();
        try
        {
            await _writing.WaitAsync(grace).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _isEnding = true;
            await _writing.ConfigureAwait(false);
        }
    }

    private async Task WriteAll()
    {
        await foreach (Snapshot snapshot in _waiting.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            byte[] values = new byte[PromptBlock.Length * snapshot.Slot.Cache.PositionBytes];
            List<PromptBlock> blocks = PromptBlock.Of(_identity, snapshot.Tokens);
            DateTime now = DateTime.UtcNow;
            int stored = _folder.CountStored(blocks);
            blocks[..stored].ForEach(block => _folder.Touch(block, now));
            foreach (PromptBlock block in blocks.Skip(stored))
            {
                if (_isEnding || !TryCopy(snapshot, block, values) || !TryWrite(block, values, now))
                {
                    break;
                }
            }
        }
    }

    /// <summary>Copies a block out of its slot, which may be used for something else at any moment: then the copy is void.</summary>
    private static bool TryCopy(Snapshot snapshot, PromptBlock block, byte[] values)
    {
        if (snapshot.Slot.Version != snapshot.Version)
        {
            return false;
        }

        snapshot.Slot.Cache.Save(block.First, PromptBlock.Length, values);
        Interlocked.MemoryBarrier();
        return snapshot.Slot.Version == snapshot.Version;
    }

    private bool TryWrite(PromptBlock block, byte[] values, DateTime now)
    {
        long bytes = PromptBlockFile.FileBytes(values.Length);
        if (!_folder.MakeRoom(bytes))
        {
            return false;
        }

        try
        {
            PromptBlockFile.Write(_folder.PathOf(block), block, values);
            _folder.Add(block, bytes, now);
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            _warn($"The prompt cache could not write {_folder.PathOf(block)}: {fault.Message}");
            return false;
        }
    }

    private bool TryRead(PromptBlock block, byte[] values)
    {
        string path = _folder.PathOf(block);
        try
        {
            if (!File.Exists(path))
            {
                _folder.Remove(block);
                return false;
            }

            if (PromptBlockFile.Read(path, block, values) is not { } problem)
            {
                return true;
            }

            _warn($"The prompt cache deletes {path}: {problem}.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            _warn($"The prompt cache could not read {path}: {fault.Message}");
        }

        _folder.Remove(block);
        return false;
    }

    /// <summary>A sequence to be stored.</summary>
    private sealed record Snapshot(SchedulerSlot Slot, int[] Tokens, int Version);
}
