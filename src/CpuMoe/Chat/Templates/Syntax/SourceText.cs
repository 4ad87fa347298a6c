namespace CpuMoe.Chat.Templates;

/// <summary>The source of a template with line feeds only and without the last one.</summary>
internal sealed class SourceText
{
    private readonly List<int> _lineStarts = [0];

    /// <exception cref="ChatTemplateException">The source is too long.</exception>
    public SourceText(string source)
    {
        if (source.Length > TemplateLimits.SourceLength)
        {
            throw new ChatTemplateException($"the chat template has {source.Length} characters; templates of up to {TemplateLimits.SourceLength} are read");
        }

        Text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        Text = Text.EndsWith('\n') ? Text[..^1] : Text;
        for (int at = Text.IndexOf('\n', StringComparison.Ordinal); at >= 0; at = Text.IndexOf('\n', at + 1))
        {
            _lineStarts.Add(at + 1);
        }
    }

    /// <summary>The characters.</summary>
    public string Text { get; }

    /// <summary>Line and column of a place.</summary>
    public SourcePosition PositionOf(int at)
    {
        int index = _lineStarts.BinarySearch(at);
        int line = index >= 0 ? index : ~index - 1;
        return new SourcePosition(line + 1, at - _lineStarts[line] + 1);
    }

    /// <summary>A fault at a place.</summary>
    public ChatTemplateException Fault(int at, string problem) => new(problem, PositionOf(at));
}
