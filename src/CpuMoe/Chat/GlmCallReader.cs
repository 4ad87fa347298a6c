using System.Text;

namespace CpuMoe.Chat;

/// <summary>Reads a call as GLM writes it, with or without line breaks between its tags.</summary>
/// <remarks>
/// <c>name &lt;arg_key&gt;k&lt;/arg_key&gt; &lt;arg_value&gt;v&lt;/arg_value&gt; … &lt;/tool_call&gt;</c>. What models get wrong now and then is
/// taken for what they mean: a key without its opening or closing tag, a value without its opening tag, a space between
/// name and first key, backslash and n in place of a line break after the name.
/// </remarks>
internal sealed class GlmCallReader(OfferedTools tools, int index) : ToolCallReader(tools, index)
{
    private const string KeyOpen = "<arg_key>";
    private const string KeyClose = "</arg_key>";
    private const string ValueOpen = "<arg_value>";
    private const string ValueClose = "</arg_value>";
    private const string CallClose = "</tool_call>";

    // Beyond these lengths a text is taken for no name and no key, so that little is held back of a text that is no call.
    private const int MaxAfterName = 128;
    private const int MaxKey = 256;

    private static readonly string[] KnownTags = [KeyOpen, KeyClose, ValueOpen, CallClose];

    private readonly OfferedTools _tools = tools;
    private readonly HashSet<string> _given = new(StringComparer.Ordinal);
    private readonly StringBuilder _value = new();
    private Place _place = Place.Name;
    private string _text = "";
    private int _at;
    private ArgumentKinds _kinds;

    private enum Place
    {
        Name,
        Arguments,
        Key,
        Opening,
        Value,
        End,
    }

    private ReadOnlySpan<char> Rest => _text.AsSpan(_at);

    public override CallState Read(string text, ReplyParts parts, out string behind)
    {
        _text = string.Concat(Rest, text);
        _at = 0;
        CallState? state;
        do
        {
            state = _place switch
            {
                Place.Name => ReadName(parts),
                Place.Arguments => ReadArguments(parts),
                Place.Key => ReadKey(parts),
                Place.Opening => ReadOpening(),
                Place.Value => ReadValue(parts),
                _ => CallState.Complete,
            };
        }
        while (state is null);

        behind = state == CallState.Complete ? Rest.ToString() : "";
        return state.Value;
    }

    /// <summary>A call is accepted without its closing tag where nothing else is missing.</summary>
    public override CallState End(bool wasCut, ReplyParts parts)
    {
        bool isWhole = !wasCut && _place switch
        {
            Place.Name => TryStart(NameIn(Rest), parts),
            Place.Arguments => Rest.IsWhiteSpace() || CallClose.AsSpan().StartsWith(Rest.TrimStart(), StringComparison.Ordinal),
            _ => false,
        };
        if (!isWhole || !Tool!.IsSatisfiedBy(_given))
        {
            return CallState.Broken;
        }

        Finish(parts);
        return CallState.Complete;
    }

    /// <summary>The name as it is meant: without white space and without a line break in letters.</summary>
    private static string NameIn(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        while (text.EndsWith("\\n", StringComparison.Ordinal))
        {
            text = text[..^2].TrimEnd();
        }

        return text.ToString();
    }

    // Each of these reads what is complete and says how far the call is; null where the next place is to be read.
    private CallState? ReadName(ReplyParts parts)
    {
        SkipSpace();
        int end = Rest.IndexOfAny('\n', '<');
        int limit = _tools.LongestName + MaxAfterName;
        if (end > limit || (end < 0 && Rest.Length > limit))
        {
            return CallState.Broken;
        }

        string? tag = null;
        if (end < 0 || (Rest[end] == '<' && !TryTag(end, out tag)))
        {
            return CallState.Open;
        }

        bool isLine = Rest[end] == '\n';
        string name = NameIn(Rest[..end]);
        if (isLine || tag is KeyOpen or CallClose)
        {
            _at += isLine ? end + 1 : end;
            _place = Place.Arguments;
            return TryStart(name, parts) ? null : CallState.Broken;
        }

        // The opening tag of the first key is missing: a space takes its place.
        int space = name.AsSpan().IndexOfAny(' ', '\t');
        if (tag is KeyClose or ValueOpen && space > 0 && TryStart(NameIn(name.AsSpan(0, space)), parts))
        {
            _at += space;
            _place = Place.Key;
            return null;
        }

        return CallState.Broken;
    }

    private CallState? ReadArguments(ReplyParts parts)
    {
        SkipSpace();
        if (Rest.IsEmpty)
        {
            return CallState.Open;
        }

        if (Rest[0] != '<')
        {
            _place = Place.Key;
            return null;
        }

        if (!TryTag(0, out string? tag))
        {
            return CallState.Open;
        }

        switch (tag)
        {
            case KeyOpen:
                _at += KeyOpen.Length;
                _place = Place.Key;
                return null;
            case CallClose:
                _at += CallClose.Length;
                Finish(parts);
                return CallState.Complete;
            default:
                return CallState.Broken;
        }
    }

    private CallState? ReadKey(ReplyParts parts)
    {
        int end = Rest.IndexOf('<');
        if (end > MaxKey || (end < 0 && Rest.Length > MaxKey))
        {
            return CallState.Broken;
        }

        if (end < 0 || !TryTag(end, out string? tag))
        {
            return CallState.Open;
        }

        string key = Rest[..end].Trim().ToString();
        if (tag is not (KeyClose or ValueOpen) || key.Length == 0 || !_given.Add(key))
        {
            return CallState.Broken;
        }

        _at += end + tag.Length;
        _place = tag == KeyClose ? Place.Opening : Place.Value;
        _kinds = Tool!.KindsOf(key);
        Write($"{(_given.Count == 1 ? "{" : ", ")}{ArgumentText.Quote(key)}: {(_kinds == ArgumentKinds.String ? "\"" : "")}", parts);
        return null;
    }

    private CallState? ReadOpening()
    {
        SkipSpace();
        if (Rest.IsEmpty)
        {
            return CallState.Open;
        }

        string? tag = null;
        if (Rest[0] == '<' && !TryTag(0, out tag))
        {
            return CallState.Open;
        }

        if (Rest[0] == '<' && tag != ValueOpen)
        {
            return CallState.Broken;
        }

        _at += tag?.Length ?? 0;
        _place = Place.Value;
        return null;
    }

    private CallState? ReadValue(ReplyParts parts)
    {
        int end = Rest.IndexOf(ValueClose, StringComparison.Ordinal);
        int certain = end >= 0 ? end : Tags.CertainLength(Rest, ValueClose);
        if (_kinds == ArgumentKinds.String)
        {
            Write(ArgumentText.Escape(Rest[..certain]), parts);
        }
        else
        {
            _value.Append(Rest[..certain]);
        }

        _at += certain;
        if (end < 0)
        {
            return CallState.Open;
        }

        Write(_kinds == ArgumentKinds.String ? "\"" : ArgumentText.ToJson(_value.ToString(), _kinds), parts);
        _value.Clear();
        _at += ValueClose.Length;
        _place = Place.Arguments;
        return null;
    }

    private void Finish(ReplyParts parts)
    {
        Write(_given.Count == 0 ? "{}" : "}", parts);
        Complete(parts);
        _place = Place.End;
    }

    private void SkipSpace() => _at += Rest.Length - Rest.TrimStart().Length;

    /// <summary>The tag at a less-than sign, null for another text; false where that is not decided yet.</summary>
    private bool TryTag(int at, out string? tag)
    {
        tag = null;
        foreach (string known in KnownTags)
        {
            if (Rest[at..].StartsWith(known, StringComparison.Ordinal))
            {
                tag = known;
            }
            else if (known.AsSpan().StartsWith(Rest[at..], StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }
}
