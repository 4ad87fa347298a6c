using System.Text;
using CpuMoe.Chat;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Commands;

/// <summary>Collects the parts of a reply and shows them.</summary>
/// <param name="printer">Shows the reply while it is made; null where it is printed later.</param>
internal sealed class ReplyText(ReplyPrinter? printer)
{
    private readonly StringBuilder _content = new();
    private readonly StringBuilder _reasoning = new();
    private readonly List<ToolCall> _calls = [];

    /// <summary>The answer so far.</summary>
    public string Content => _content.ToString();

    /// <summary>The thought so far.</summary>
    public string Reasoning => _reasoning.ToString();

    /// <summary>The complete calls so far.</summary>
    public IReadOnlyList<ToolCall> Calls => _calls;

    /// <summary>Takes parts up.</summary>
    public void Add(IReadOnlyList<ReplyPart> parts)
    {
        foreach (ReplyPart part in parts)
        {
            switch (part)
            {
                case ReasoningPart reasoning:
                    _reasoning.Append(reasoning.Text);
                    break;
                case ContentPart content:
                    _content.Append(content.Text);
                    break;
                case ToolCallEnd end:
                    _calls.Add(end.Call);
                    break;
            }

            printer?.Write(part);
        }
    }

    /// <summary>Ends the line.</summary>
    public void End() => printer?.End();
}
