namespace CpuMoe.Chat;

/// <summary>Collects the parts of one step; equal neighbours become one.</summary>
internal sealed class ReplyParts
{
    private readonly List<ReplyPart> _parts = [];

    /// <summary>The parts so far.</summary>
    public IReadOnlyList<ReplyPart> Items => _parts;

    /// <summary>Adds text of the thought, if any.</summary>
    public void AddReasoning(string text)
    {
        if (text.Length > 0)
        {
            _parts.Add(new ReasoningPart(text));
        }
    }

    /// <summary>Adds text of the answer, if any.</summary>
    public void AddContent(string text)
    {
        if (text.Length == 0)
        {
            return;
        }

        if (_parts is [.., ContentPart last])
        {
            _parts[^1] = new ContentPart(last.Text + text);
        }
        else
        {
            _parts.Add(new ContentPart(text));
        }
    }

    /// <summary>Adds text of a call's arguments, if any.</summary>
    public void AddArguments(int index, string json)
    {
        if (json.Length == 0)
        {
            return;
        }

        if (_parts is [.., ToolArgumentsPart last])
        {
            _parts[^1] = new ToolArgumentsPart(index, last.Json + json);
        }
        else
        {
            _parts.Add(new ToolArgumentsPart(index, json));
        }
    }

    /// <summary>Adds another part.</summary>
    public void Add(ReplyPart part) => _parts.Add(part);
}
