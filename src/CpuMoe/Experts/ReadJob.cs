namespace CpuMoe.Experts;

/// <summary>Up to three ranges of a model's files that are read together, in pieces, by several threads.</summary>
/// <remarks>
/// An object lives as long as the memory it reads to and is filled anew for each read. Targets are congruent to their
/// offsets modulo <see cref="Alignment"/>, with room up to the next multiples of it at both ends: the disk is read in
/// aligned pieces, whatever the ranges are.
/// </remarks>
/// <param name="completed">Called by a reading thread when the last piece is there or has failed.</param>
internal sealed unsafe class ReadJob(Action<ReadJob> completed)
{
    /// <summary>What direct reads want of offsets, addresses and lengths; a page.</summary>
    public const int Alignment = 4096;

    /// <summary>Bytes of a piece: large enough for a disk's full rate, small enough that one expert keeps all threads busy.</summary>
    public const int PieceBytes = 1 << 20;

    private const int MaxRanges = 3;

    private readonly Range[] _ranges = new Range[MaxRanges];
    private int _count;
    private int _next;
    private int _unfinished;

    /// <summary>What went wrong; null when nothing did.</summary>
    public ExpertReadException? Fault { get; private set; }

    /// <summary>Pieces of all ranges.</summary>
    public int Pieces { get; private set; }

    /// <summary>Bytes that a range of a file needs in memory, aligned ends included.</summary>
    public static long MemoryFor(long bytes) => (((bytes + Alignment - 1) / Alignment) + 1) * Alignment;

    /// <summary>Where in memory of <see cref="MemoryFor"/> bytes a range that begins at a file offset has its first byte.</summary>
    public static byte* Place(byte* memory, long offset) => memory + (offset % Alignment);

    /// <summary>Forgets the former ranges.</summary>
    public void Clear()
    {
        _count = 0;
        _next = 0;
        Pieces = 0;
        Fault = null;
    }

    /// <summary>Adds a range.</summary>
    /// <param name="part">The part of the model.</param>
    /// <param name="offset">Its first byte.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="target">Where the first byte goes; see <see cref="Place"/>.</param>
    /// <param name="name">What it is, for messages.</param>
    public void Add(int part, long offset, long bytes, byte* target, string name)
    {
        long lead = offset % Alignment;
        _ranges[_count++] = new Range(part, offset - lead, lead + bytes, target - lead, name, Pieces);
        Pieces += (int)((lead + bytes + PieceBytes - 1) / PieceBytes);
        _unfinished = Pieces;
    }

    /// <summary>Hands out the next piece. Guarded by the caller.</summary>
    public bool TryClaim(out int piece)
    {
        piece = _next;
        return _next < Pieces && _next++ >= 0;
    }

    /// <summary>Reads a claimed piece, trying again when the system refuses.</summary>
    /// <returns>The bytes read.</returns>
    public long Read(int piece, IWeightReader reader)
    {
        int r = _count - 1;
        while (piece < _ranges[r].FirstPiece)
        {
            r--;
        }

        ref readonly Range range = ref _ranges[r];
        long from = (long)(piece - range.FirstPiece) * PieceBytes;
        long needed = Math.Min(PieceBytes, range.Bytes - from);
        long done = 0;
        try
        {
            done = ReadRetrying(reader, range, from, needed);
            if (done < needed)
            {
                Fault ??= new ExpertReadException(Describe(range, from + done, reader), null);
            }
        }
        catch (IOException fault)
        {
            Fault ??= new ExpertReadException(Describe(range, from, reader), fault);
        }

        return done;
    }

    /// <summary>Counts a piece as done, whatever came of it; the last one completes the job.</summary>
    public void Finish()
    {
        if (Interlocked.Decrement(ref _unfinished) == 0)
        {
            completed(this);
        }
    }

    private static long ReadRetrying(IWeightReader reader, in Range range, long from, long needed)
    {
        const int Attempts = 3;
        const int FirstPauseMilliseconds = 5;
        long aligned = (needed + Alignment - 1) / Alignment * Alignment;
        for (long done = 0, attempt = 1; ; attempt++)
        {
            int got = 0;
            try
            {
                do
                {
                    got = reader.Read(range.Part, range.Offset + from + done, range.Target + from + done, (int)(aligned - done));
                    if (done + got >= needed)
                    {
                        return done + got;
                    }

                    // What lies behind the last multiple of the alignment is read again.
                    done += got / Alignment * Alignment;
                }
                while (got >= Alignment);
            }
            catch (IOException) when (attempt < Attempts)
            {
            }

            if (attempt == Attempts)
            {
                return done + got;
            }

            Thread.Sleep(FirstPauseMilliseconds << (2 * ((int)attempt - 1)));
        }
    }

    private static string Describe(in Range range, long offset, IWeightReader reader) =>
        $"Reading {range.Name} at byte {range.Offset + offset} of {reader.PathOf(range.Part)} failed";

    /// <summary>A range whose offset and target were moved down to multiples of the alignment.</summary>
    private readonly struct Range(int part, long offset, long bytes, byte* target, string name, int firstPiece)
    {
        public readonly int Part = part;
        public readonly long Offset = offset;
        public readonly long Bytes = bytes;
        public readonly byte* Target = target;
        public readonly string Name = name;
        public readonly int FirstPiece = firstPiece;
    }
}
