namespace CpuMoe.Cli.Downloads;

/// <summary>Bytes of a file from <paramref name="Start"/> to before <paramref name="End"/>.</summary>
internal readonly record struct ByteRange(long Start, long End)
{
    public long Length => End - Start;

    /// <summary>The same bytes in order, with touching ranges joined and empty ones dropped.</summary>
    public static IReadOnlyList<ByteRange> Join(IEnumerable<ByteRange> ranges)
    {
        List<ByteRange> joined = [];
        foreach (ByteRange range in ranges.Where(range => range.Length > 0).OrderBy(range => range.Start))
        {
            if (joined is [.., ByteRange last] && range.Start <= last.End)
            {
                joined[^1] = last with { End = Math.Max(last.End, range.End) };
            }
            else
            {
                joined.Add(range);
            }
        }

        return joined;
    }

    /// <summary>What is missing of a file, in pieces of at most <paramref name="chunk"/> bytes.</summary>
    /// <param name="completed">In order, not touching.</param>
    /// <param name="bytes">The size of the file.</param>
    /// <param name="chunk">Positive.</param>
    public static IEnumerable<ByteRange> Missing(IReadOnlyList<ByteRange> completed, long bytes, long chunk)
    {
        long start = 0;
        foreach (ByteRange next in (IEnumerable<ByteRange>)[.. completed, new ByteRange(bytes, bytes)])
        {
            for (; start < next.Start; start = Math.Min(start + chunk, next.Start))
            {
                yield return new ByteRange(start, Math.Min(start + chunk, next.Start));
            }

            start = next.End;
        }
    }
}
