namespace CpuMoe.Cli.Downloads;

/// <summary>Remembers which bytes of an incomplete file have arrived.</summary>
/// <param name="partial">The path of the incomplete file; the journal lies beside it.</param>
/// <param name="file">The file as it shall be.</param>
internal sealed class RangeJournal(string partial, RepositoryFile file)
{
    private readonly string _path = PathOf(partial);

    /// <summary>The path of the journal of an incomplete file.</summary>
    public static string PathOf(string partial) => partial + ".json";

    /// <summary>The bytes that are there; none where the journal is absent, damaged, or of another content.</summary>
    public IReadOnlyList<ByteRange> Read()
    {
        if (AtomicFile.Read(_path, DownloadJson.Default.JournalContent) is not { Completed: { } pairs } content
            || content.Sha256 != file.Sha256 || content.Bytes != file.Bytes
            || new FileInfo(partial) is not { Exists: true } there || there.Length != file.Bytes
            || pairs.Any(pair => pair is not [>= 0, _] || pair[0] > pair[1] || pair[1] > file.Bytes))
        {
            return [];
        }

        return ByteRange.Join(pairs.Select(pair => new ByteRange(pair[0], pair[1])));
    }

    /// <summary>Writes down what has arrived; the bytes themselves must be on the disk already.</summary>
    public void Write(IEnumerable<ByteRange> completed) => AtomicFile.Write(
        _path, new JournalContent(file.Sha256, file.Bytes, [.. ByteRange.Join(completed).Select(range => (long[])[range.Start, range.End])]), DownloadJson.Default.JournalContent);
}
