using CpuMoe.Chat;

namespace CpuMoe.Cli.Terminal;

/// <summary>
/// Shows a reply while it is made: the answer on standard output, the thought before it on standard error, so that a
/// pipe gets the clean answer. On a terminal the thought is dim.
/// </summary>
internal sealed class ReplyPrinter(CliConsole console)
{
    private const string Dim = "\e[2m";
    private const string Normal = "\e[0m";

    private bool _inThought;
    private char _lastOfAnswer = '\n';

    private bool DimThoughts => console is { ErrorIsTerminal: true, UseColor: true };

    /// <summary>Shows what came in.</summary>
    public void Write(ReasoningDelta delta)
    {
        if (delta.Reasoning.Length > 0)
        {
            BeginThought();
            console.Error.Write(delta.Reasoning);
        }

        if (delta.Content.Length > 0)
        {
            EndThought();
            console.Out.Write(delta.Content);
            console.Out.Flush();
            _lastOfAnswer = delta.Content[^1];
        }
    }

    /// <summary>Ends the reply: whatever comes next starts on a new line.</summary>
    public void End()
    {
        EndThought();
        if (_lastOfAnswer != '\n')
        {
            console.Out.Write('\n');
            console.Out.Flush();
            _lastOfAnswer = '\n';
        }
    }

    private void BeginThought()
    {
        if (!_inThought)
        {
            _inThought = true;
            console.Error.Write(DimThoughts ? Dim : "");
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
