using CpuMoe.Chat;

namespace CpuMoe.Cli.Terminal;

/// <summary>
/// Shows a reply while it is made: the answer on standard output, the thought before it on standard error, so that a
/// pipe gets the clean answer. On a terminal the thought is dim. Calls of tools are results of <c>run</c>.
/// </summary>
internal sealed class ReplyPrinter(CliConsole console)
{
    private const string Dim = "\e[2m";
    private const string Normal = "\e[0m";

    private bool _inThought;
    private char _lastOfAnswer = '\n';

    /// <summary>Whether a thought is folded to one line.</summary>
    public bool FoldsThoughts { get; init; }

    /// <summary>Whether calls are printed as lines of the answer: the name and the arguments.</summary>
    public bool PrintsCalls { get; init; }

    private bool DimThoughts => console is { ErrorIsTerminal: true, UseColor: true };

    /// <summary>Shows what came in.</summary>
    public void Write(IReadOnlyList<ReplyPart> parts)
    {
        foreach (ReplyPart part in parts)
        {
            Write(part);
        }
    }

    /// <summary>Ends the reply: whatever comes next starts on a new line.</summary>
    public void End()
    {
        EndThought();
        if (_lastOfAnswer != '\n')
        {
            WriteAnswer("\n");
        }
    }

    private void Write(ReplyPart part)
    {
        switch (part)
        {
            case ReasoningPart reasoning:
                BeginThought();
                console.Error.Write(FoldsThoughts ? "" : reasoning.Text);
                break;
            case ContentPart content:
                EndThought();
                WriteAnswer(content.Text);
                break;
            case ToolCallEnd { Call: var call } when PrintsCalls:
                End();
                WriteAnswer($"{call.Name} {call.Arguments}\n");
                break;
        }
    }

    private void WriteAnswer(string text)
    {
        console.Out.Write(text);
        console.Out.Flush();
        _lastOfAnswer = text[^1];
    }

    private void BeginThought()
    {
        if (!_inThought)
        {
            _inThought = true;
            console.Error.Write((DimThoughts ? Dim : "") + (FoldsThoughts ? "(thinking; /thought shows it)" : ""));
        }
    }

    private void EndThought()
    {
        if (_inThought)
        {
            _inThought = false;
            console.Error.WriteLine(DimThoughts ? Normal : "");
        }
    }
}
