namespace CpuMoe.Gguf;

/// <summary>A GGUF file that cannot be used as it is: malformed, truncated, or contradicting itself.</summary>
public class GgufFormatException : Exception
{
    /// <summary>Creates the exception; the message is composed of its parts.</summary>
    /// <param name="problem">What is wrong and what to do, without the place.</param>
    /// <param name="file">The file, or null where the bytes come from memory.</param>
    /// <param name="offset">The byte offset in the file at which the fault was seen, or -1 where none applies.</param>
    /// <param name="field">The field, metadata key or tensor concerned.</param>
    /// <param name="inner">The underlying fault, if any.</param>
    public GgufFormatException(string problem, string? file, long offset, string field, Exception? inner = null)
        : base(Compose(problem, file, offset, field), inner)
    {
        File = file;
        Offset = offset;
        Field = field;
    }

    /// <summary>The file, or null where the bytes come from memory.</summary>
    public string? File { get; }

    /// <summary>The byte offset in the file, or -1 where none applies.</summary>
    public long Offset { get; }

    /// <summary>The field, metadata key or tensor concerned.</summary>
    public string Field { get; }

    private static string Compose(string problem, string? file, long offset, string field)
    {
        // Keys and tensor names come from the file and must not steer the terminal.
        string shown = GgufRules.Printable(field);
        string place = offset < 0 ? shown : $"{shown} at byte {offset}";
        return $"{file ?? "GGUF data"}: {place}: {problem}";
    }
}
