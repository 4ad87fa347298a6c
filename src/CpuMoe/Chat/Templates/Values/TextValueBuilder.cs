using System.Text;

namespace CpuMoe.Chat.Templates;

/// <summary>A text in the making that remembers which characters are the template's own.</summary>
internal sealed class TextValueBuilder(RenderBudget budget)
{
    private readonly StringBuilder _text = new();
    private readonly List<int> _borders = [];

    /// <summary>UTF-16 units so far.</summary>
    public int Length => _text.Length;

    private bool EndsTrusted => _borders.Count % 2 == 1;

    /// <summary>Adds text of the template or the engine.</summary>
    public void AppendTrusted(ReadOnlySpan<char> text) => Append(text, isTrusted: true);

    /// <summary>Adds text of one kind.</summary>
    public void Append(ReadOnlySpan<char> text, bool isTrusted)
    {
        if (!text.IsEmpty)
        {
            Charge(text.Length);
            Mark(isTrusted);
            _text.Append(text);
        }
    }

    /// <summary>Adds a text.</summary>
    public void Append(TextValue value) => Append(value, 0, value.Text.Length);

    /// <summary>Adds a part of a text.</summary>
    public void Append(TextValue value, int start, int length)
    {
        if (length == 0)
        {
            return;
        }

        Charge(length);
        int index = value.BordersUpTo(start);
        Mark(isTrusted: index % 2 == 1);
        int offset = _text.Length - start;
        for (; index < value.Borders.Length && value.Borders[index] < start + length; index++)
        {
            budget.AllocateEntries(0);
            _borders.Add(value.Borders[index] + offset);
        }

        _text.Append(value.Text, start, length);
    }

    /// <summary>The text.</summary>
    public TextValue ToValue()
    {
        budget.AllocateText(_text.Length);
        return _text.Length == 0 ? TextValue.Empty : new TextValue(_text.ToString(), [.. _borders]);
    }

    private void Mark(bool isTrusted)
    {
        if (EndsTrusted != isTrusted)
        {
            _borders.Add(_text.Length);
        }
    }

    private void Charge(int length)
    {
        budget.AllocateCharacters(length);
        if (_text.Length + (long)length > budget.OutputLength)
        {
            throw budget.Fault($"a text is longer than {budget.OutputLength} characters");
        }
    }
}
