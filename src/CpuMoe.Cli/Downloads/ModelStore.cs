using System.Security.Cryptography;
using System.Text;

namespace CpuMoe.Cli.Downloads;

/// <summary>
/// The folder of pulled models: <c>OWNER/REPO/REVISION/path/in/the/repository.gguf</c>, beside the first file of each
/// model a <c>.json</c> that describes it, and beside an incomplete file, <c>.partial</c>, a journal of what has arrived.
/// </summary>
/// <param name="root">The folder; need not exist.</param>
internal sealed class ModelStore(string root)
{
    private const string RecordEnding = ".json";
    private const string PartialEnding = ".partial";
    private const string LockFolder = ".locks";

    // What FileStream reports of a file that is open elsewhere: ERROR_SHARING_VIOLATION of Windows, EWOULDBLOCK.
    private const int SharingViolation = unchecked((int)0x80070020);
    private const int LockedOnLinux = 11;
    private const int LockedOnMac = 35;

    /// <summary>Where the models are.</summary>
    public string Root => root;

    /// <summary>The store in the user's cache folder.</summary>
    public static ModelStore Open() => new(Path.Combine(
        CacheFolder.Find() ?? throw new CliException($"there is no cache folder for models; name one in {CacheFolder.Variable}"), "models"));

    /// <summary>The path of a file under its final name.</summary>
    public string PathOf(ModelReference reference, RepositoryFile file) => RepositoryPath.Under(FolderOf(reference), file.Path);

    /// <summary>The path of a file that is not complete.</summary>
    public string PartialPathOf(ModelReference reference, RepositoryFile file) => PathOf(reference, file) + PartialEnding;

    /// <summary>All models, whether complete or not, by name.</summary>
    public IReadOnlyList<PulledModel> List() =>
        [.. ReadFolder(root).OrderBy(model => model.Reference.ToString(), StringComparer.OrdinalIgnoreCase)];

    /// <summary>The models of the repository and revision of a name.</summary>
    public IReadOnlyList<PulledModel> ListRepository(ModelReference reference) => ReadFolder(FolderOf(reference));

    /// <summary>The record of exactly this model; null where there is none.</summary>
    public PulledModel? Find(ModelReference reference, RepositoryModel model) => Read(RecordPath(reference, model));

    /// <summary>Writes the record of a model.</summary>
    public void Write(PulledModel model)
    {
        string path = RecordPath(model.Reference, model.Model);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, model, DownloadJson.Default.PulledModel);
    }

    /// <summary>Whether all files of a complete model are there with their sizes.</summary>
    public bool IsIntact(PulledModel model) => model.Complete
        && model.Files.All(file => new FileInfo(PathOf(model.Reference, file)) is { Exists: true } there && there.Length == file.Bytes);

    /// <summary>The path to open for a name.</summary>
    /// <exception cref="CliException">The model is not there or several have the name.</exception>
    public string Locate(ModelReference reference)
    {
        IReadOnlyList<PulledModel> models = ListRepository(reference);
        PulledModel[] found = [.. Matching(reference, [.. models.Where(model => model.Complete)])];
        if (found is [PulledModel model])
        {
            return IsIntact(model) ? PathOf(model.Reference, model.Model.Files[0])
                : throw new CliException($"files of {reference} are missing or have changed; get them again with: cpumoe pull {model.Reference}");
        }

        if (found.Length > 1)
        {
            throw new CliException($"{reference} means several models here: {Names(found)}");
        }

        string state = Matching(reference, models).Any() ? "was not pulled to its end" : "is not on this machine";
        string others = models.Where(other => other.Complete).ToArray() is { Length: > 0 } there ? $" (here are {Names(there)})" : "";
        throw new CliException($"{reference} {state}{others}; get it with: cpumoe pull {reference}");
    }

    /// <summary>The one model, complete or not, that a name means without any default.</summary>
    /// <exception cref="CliException">There is none, or there are several.</exception>
    public PulledModel FindOne(ModelReference reference)
    {
        IReadOnlyList<PulledModel> models = ListRepository(reference);
        PulledModel[] found = reference.Quant is null && reference.Path is null ? [.. models] : [.. Matching(reference, models)];
        return found is [PulledModel model] ? model : throw new CliException(found.Length == 0
            ? $"{reference} is not on this machine; cpumoe list shows what is" : $"{reference} means several models here: {Names(found)}");
    }

    /// <summary>Keeps other processes from changing a model until the result is disposed.</summary>
    /// <exception cref="CliException">Another process is at it.</exception>
    public IDisposable Lock(ModelReference reference, RepositoryModel model)
    {
        // Locks are never deleted: whoever waits to open a deleted one would hold nothing.
        string folder = Path.Combine(root, LockFolder);
        Directory.CreateDirectory(folder);
        byte[] name = SHA256.HashData(Encoding.UTF8.GetBytes((reference with { Quant = null, Path = model.FirstPath }).ToString()));
        try
        {
            return new FileStream(Path.Combine(folder, Convert.ToHexStringLower(name)), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException fault) when (fault.HResult is SharingViolation or LockedOnLinux or LockedOnMac)
        {
            throw new CliException($"{reference} is being pulled or removed by another process; try again when it is done");
        }
    }

    /// <summary>Deletes all files of a model and the folders that are empty then.</summary>
    public void Remove(PulledModel model)
    {
        string record = RecordPath(model.Reference, model.Model);
        foreach (RepositoryFile file in model.Files)
        {
            DeletePartial(model.Reference, file);
            File.Delete(PathOf(model.Reference, file));
        }

        AtomicFile.Delete(record);
        for (string? folder = Path.GetDirectoryName(record); folder is not null && folder != root && IsEmpty(folder); folder = Path.GetDirectoryName(folder))
        {
            Directory.Delete(folder);
        }
    }

    /// <summary>Deletes what has arrived of a file.</summary>
    public void DeletePartial(ModelReference reference, RepositoryFile file)
    {
        string partial = PartialPathOf(reference, file);
        if (Directory.Exists(Path.GetDirectoryName(partial)))
        {
            AtomicFile.Delete(RangeJournal.PathOf(partial));
            File.Delete(partial);
        }
    }

    private static bool IsEmpty(string folder) => !Directory.EnumerateFileSystemEntries(folder).Any();

    private static IEnumerable<PulledModel> Matching(ModelReference reference, IReadOnlyList<PulledModel> models)
    {
        IReadOnlyList<RepositoryModel> matching = RepositoryModel.Matching(reference, [.. models.Select(model => model.Model)]);
        return models.Where(model => matching.Contains(model.Model));
    }

    private static string Names(PulledModel[] models) =>
        string.Join(", ", models.Select(model => model.NameAmong(models.Select(other => other.Model))));

    private string FolderOf(ModelReference reference) => Path.Combine(root, reference.Owner, reference.Repository, reference.EscapedRevision);

    private string RecordPath(ModelReference reference, RepositoryModel model) => PathOf(reference, model.Files[0]) + RecordEnding;

    private PulledModel[] ReadFolder(string folder) => !Directory.Exists(folder) ? [] :
    [
        .. Directory.EnumerateFiles(folder, "*" + RecordEnding, SearchOption.AllDirectories)
            .Where(path => !path.EndsWith(RangeJournal.PathOf(PartialEnding), StringComparison.Ordinal))
            .Select(Read).OfType<PulledModel>(),
    ];

    // A record that does not lie where it says is none: its names are paths that get opened and deleted.
    private PulledModel? Read(string path) =>
        AtomicFile.Read(path, DownloadJson.Default.PulledModel) is { Owner: not null, Repository: not null, Revision: not null, Files: [_, ..] files } model
        && files.All(file => file is { Path: { } name, Bytes: > 0, Sha256: not null } && RepositoryPath.IsSafe(name))
        && RecordPath(model.Reference, model.Model) == path ? model : null;
}
