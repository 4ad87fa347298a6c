namespace CpuMoe.Experts;

/// <summary>A file that is no expert trace, or a damaged one.</summary>
public sealed class ExpertTraceException : Exception
{
    /// <summary>Creates the exception; the message is composed of its parts.</summary>
    /// <param name="problem">What is wrong and what to do, without the place.</param>
    /// <param name="file">The file, or null where the bytes come from memory.</param>
    /// <param name="offset">The byte offset at which the fault was seen.</param>
    /// <param name="field">The field of the format.</param>
    public ExpertTraceException(string problem, string? file, long offset, string field)
        : base($"{file ?? "expert trace"}: {field} at byte {offset}: {problem}")
    {
        File = file;
        Offset = offset;
        Field = field;
    }

    /// <summary>The file, or null where the bytes come from memory.</summary>
    public string? File { get; }

    /// <summary>The byte offset at which the fault was seen.</summary>
    public long Offset { get; }

    /// <summary>The field of the format.</summary>
    public string Field { get; }
}
