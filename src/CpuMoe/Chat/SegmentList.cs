using System.Text;
using CpuMoe.Text;

namespace CpuMoe.Chat;

/// <summary>A prompt in the making: neighbours of equal trust become one segment, empty ones none.</summary>
internal sealed class SegmentList
{
    private readonly List<TextSegment> _segments = [];
    private readonly StringBuilder _text = new();
    private bool _parseSpecial;

    /// <summary>Adds text of the template, in which special tokens are meant.</summary>
    public void AddTemplate(string text) => Add(text, parseSpecial: true);

    /// <summary>Adds text from outside, in which nothing may act as a control token.</summary>
    public void AddContent(string text) => Add(text, parseSpecial: false);

    /// <summary>The segments so far.</summary>
    public IReadOnlyList<TextSegment> ToList()
    {
        Close();
        return _segments;
    }

    private void Add(string text, bool parseSpecial)
    {
        if (text.Length > 0 && parseSpecial != _parseSpecial)
        {
            Close();
            _parseSpecial = parseSpecial;
        }

        _text.Append(text);
    }

    private void Close()
    {
        if (_text.Length > 0)
        {
            _segments.Add(new TextSegment(_text.ToString(), _parseSpecial));
            _text.Clear();
        }
    }
}
