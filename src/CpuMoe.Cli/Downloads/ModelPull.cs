using CpuMoe.Cli.Commands;

namespace CpuMoe.Cli.Downloads;

/// <summary>What a pull is going to get.</summary>
/// <param name="Reference">The name that was asked for.</param>
/// <param name="Commit">What its revision means now.</param>
/// <param name="Model">The files.</param>
internal sealed record PullPlan(ModelReference Reference, string Commit, RepositoryModel Model);

/// <summary>
/// Pulls a model. Nothing gets its final name before all files are there and have the right SHA-256; what has arrived
/// until a fault is kept for the next pull, unless it is wrong.
/// </summary>
/// <param name="settings">From where and how.</param>
/// <param name="store">Where to.</param>
/// <param name="meter">Tells how far it is.</param>
internal sealed class ModelPull(PullSettings settings, ModelStore store, PullMeter meter) : IDisposable
{
    private const long SpareBytes = 64L << 20;
    private const int MostModelsTold = 40;

    private readonly HubClient _hub = new(settings, meter);

    /// <summary>Finds out what a name means.</summary>
    /// <exception cref="CliException">It means nothing, or several models.</exception>
    public async Task<PullPlan> PrepareAsync(ModelReference reference, CancellationToken cancellation)
    {
        RepositoryListing listing = await _hub.ListAsync(reference, cancellation);
        IReadOnlyList<RepositoryModel> found = RepositoryModel.Matching(reference, listing.Models);
        if (found is [RepositoryModel model])
        {
            meter.Total = model.Bytes;
            return model.IsWhole ? new PullPlan(reference, listing.Commit, model)
                : throw new CliException($"{reference}: the repository does not hold all parts of {model.FirstPath}");
        }

        throw new CliException(
            listing.Models.Count == 0 ? $"{reference.Base}: the repository holds no GGUF file"
            : found.Count > 1 ? $"{reference} means several models; name one of the files: {Describe(reference, found, byFile: true)}"
            : reference.Path is not null ? $"{reference.Base} holds no file {reference.Path}; it has {Describe(reference, listing.Models, byFile: true)}"
            : reference.Quant is not null ? $"{reference.Base} has nothing like {reference.Quant}; it has {Describe(reference, listing.Models, byFile: false)}"
            : $"{reference.Base} has no Q4_K_M, which is the default; choose from {Describe(reference, listing.Models, byFile: false)}");
    }

    /// <summary>Gets the model; returns the path of its first file.</summary>
    public async Task<string> RunAsync(PullPlan plan, CancellationToken cancellation)
    {
        (ModelReference reference, string commit, RepositoryModel model) = plan;
        using IDisposable held = store.Lock(reference, model);
        PulledModel wanted = new(reference.Owner, reference.Repository, reference.Revision, commit, DateTimeOffset.UtcNow, Complete: false, [.. model.Files]);
        PulledModel? before = store.Find(reference, model);
        if (before is not null && before.Files.SequenceEqual(wanted.Files) && store.IsIntact(before))
        {
            meter.AddPresent(model.Bytes);
            return store.PathOf(reference, model.Files[0]);
        }

        CheckSpace(plan, before);
        if (before is not { Complete: true })
        {
            store.Write(wanted);
        }

        List<RepositoryFile> arrived = [];
        foreach (RepositoryFile file in model.Files)
        {
            // A pull that was broken off may have left it, or it has not changed since the last one.
            if (MayBeThere(reference, file, before) && await HashAsync(store.PathOf(reference, file), file, cancellation) == file.Sha256)
            {
                meter.AddPresent(file.Bytes);
                continue;
            }

            await GetAsync(plan, file, cancellation);
            arrived.Add(file);
        }

        // From here to the end the model is incomplete, should it be an older one that is replaced.
        store.Write(wanted);
        foreach (RepositoryFile file in arrived)
        {
            File.Move(store.PartialPathOf(reference, file), store.PathOf(reference, file), overwrite: true);
            store.DeletePartial(reference, file);
        }

        store.Write(wanted with { Complete = true, Pulled = DateTimeOffset.UtcNow });
        return store.PathOf(reference, model.Files[0]);
    }

    /// <inheritdoc/>
    public void Dispose() => _hub.Dispose();

    private async Task GetAsync(PullPlan plan, RepositoryFile file, CancellationToken cancellation)
    {
        string partial = store.PartialPathOf(plan.Reference, file);
        Directory.CreateDirectory(Path.GetDirectoryName(partial)!);
        FileDownload download = new(
            file, partial, (start, end, stop) => _hub.OpenAsync(plan.Reference, plan.Commit, file, start, end, stop), settings, meter);
        await download.RunAsync(cancellation);
        string hash = await HashAsync(partial, file, cancellation);
        if (hash != file.Sha256)
        {
            store.DeletePartial(plan.Reference, file);
            throw new CliException($"{file.Path}: what arrived has the SHA-256 {hash}, the repository says {file.Sha256}; it was deleted, pull again");
        }
    }

    private bool MayBeThere(ModelReference reference, RepositoryFile file, PulledModel? before) =>
        new FileInfo(store.PathOf(reference, file)) is { Exists: true } there && there.Length == file.Bytes
        && (before is not { Complete: true } || before.Files.Contains(file));

    private async Task<string> HashAsync(string path, RepositoryFile file, CancellationToken cancellation)
    {
        meter.BeginCheck(file.Bytes);
        try
        {
            return await FileHash.ComputeAsync(path, meter, cancellation);
        }
        finally
        {
            meter.EndCheck();
        }
    }

    private void CheckSpace(PullPlan plan, PulledModel? before)
    {
        ModelReference reference = plan.Reference;
        long missing = plan.Model.Files.Where(file => !MayBeThere(reference, file, before))
            .Sum(file => file.Bytes - new RangeJournal(store.PartialPathOf(reference, file), file).Read().Sum(range => range.Length));
        Directory.CreateDirectory(store.Root);
        if (missing > 0 && FreeBytes(store.Root) is { } free && missing + SpareBytes > free)
        {
            throw new CliException(
                $"{reference} needs {Bytes.Display(missing)} more, the disk of {store.Root} has {Bytes.Display(free)} free; make room or name a folder elsewhere in {CacheFolder.Variable}");
        }
    }

    // Shares of a network on Windows cannot be asked, nor some file systems: the pull then finds out by itself.
    private static long? FreeBytes(string folder)
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception fault) when (fault is ArgumentException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Describe(ModelReference reference, IReadOnlyList<RepositoryModel> models, bool byFile)
    {
        IEnumerable<string> names = models.Where(model => byFile || !model.IsAuxiliary).Take(MostModelsTold)
            .Select(model => $"{(!byFile && model.Quant is { } quant ? quant : $"{reference.Base}/{model.FirstPath}")} ({Bytes.Display(model.Bytes)})");
        return string.Join(", ", names) + (models.Count > MostModelsTold ? ", ..." : "");
    }
}
