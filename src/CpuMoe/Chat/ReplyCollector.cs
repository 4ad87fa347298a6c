using System.Text;

namespace CpuMoe.Chat;

/// <summary>Puts the parts of a reply together again.</summary>
public sealed class ReplyCollector
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
    public void Add(IEnumerable<ReplyPart> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
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
                default:
                    break; // Of a call only the whole counts.
            }
        }
    }
}
