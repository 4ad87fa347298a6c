using System.Text;

namespace CpuMoe.Chat;

/// <summary>How far a call is read.</summary>
internal enum CallState
{
    /// <summary>More text is needed.</summary>
    Open,

    /// <summary>The call is complete.</summary>
    Complete,

    /// <summary>The text is no call.</summary>
    Broken,
}

/// <summary>Reads one call from the text after its opening, in pieces however cut.</summary>
internal abstract class ToolCallReader(OfferedTools tools, int index)
{
    private readonly StringBuilder _arguments = new();
    private ToolCallStart? _start;

    /// <summary>The tool that is called, once that is known.</summary>
    protected ToolSignature? Tool { get; private set; }

    /// <summary>Whether the beginning of the call was reported.</summary>
    public bool HasStarted => _start is not null;

    /// <summary>Reads on.</summary>
    /// <param name="text">The next piece.</param>
    /// <param name="parts">Receives what is certain now.</param>
    /// <param name="behind">Where the call is complete: what the piece holds behind it.</param>
    public abstract CallState Read(string text, ReplyParts parts, out string behind);

    /// <summary>Decides at the end of the reply what to make of a call that is open.</summary>
    /// <param name="wasCut">Whether the model would have gone on.</param>
    /// <param name="parts">Receives the rest of the call.</param>
    public abstract CallState End(bool wasCut, ReplyParts parts);

    /// <summary>Reports the beginning of a call; says whether there is such a tool.</summary>
    protected bool TryStart(string name, ReplyParts parts)
    {
        Tool = tools.Find(name);
        if (Tool is null)
        {
            return false;
        }

        parts.Add(_start = new ToolCallStart(index, tools.NewId(), name));
        return true;
    }

    /// <summary>Reports more of the arguments.</summary>
    protected void Write(string json, ReplyParts parts)
    {
        _arguments.Append(json);
        parts.AddArguments(index, json);
    }

    /// <summary>Reports the end of the call.</summary>
    protected void Complete(ReplyParts parts) => parts.Add(new ToolCallEnd(index, new ToolCall(_start!.Id, _start.Name, _arguments.ToString())));
}
