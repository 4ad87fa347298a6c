using System.Text;
using System.Text.Json;

namespace CpuMoe.Chat;

/// <summary>Reads a call that is one JSON object with the name of the tool and its arguments, in any order.</summary>
/// <remarks>
/// The arguments are passed on as they are written, once the name is known; whether the object is well-formed is known at
/// its end. Arguments may also be a string that holds JSON, as in OpenAI's API.
/// </remarks>
internal sealed class JsonCallReader(OfferedTools tools, int index) : ToolCallReader(tools, index)
{
    private static readonly string[] Members = ["name", "arguments", "parameters", "type", "id"];

    private readonly StringBuilder _json = new();
    private readonly StringBuilder _unwritten = new();
    private readonly Stack<char> _closings = [];
    private string _member = "";
    private int _stringStart;
    private bool _inString;
    private bool _isEscaped;
    private bool _isName = true;
    private bool _inArguments;
    private bool _hasArguments;

    public override CallState Read(string text, ReplyParts parts, out string behind)
    {
        CallState state = CallState.Open;
        int at = 0;
        while (at < text.Length && state == CallState.Open)
        {
            state = Read(text[at++], parts);
        }

        behind = state == CallState.Complete ? text[at..] : "";
        if (state != CallState.Complete)
        {
            WriteArguments(parts);
        }

        return state;
    }

    public override CallState End(bool wasCut, ReplyParts parts) => CallState.Broken;

    private CallState Read(char c, ReplyParts parts)
    {
        if (_closings.Count == 0 && c != '{')
        {
            return char.IsWhiteSpace(c) ? CallState.Open : CallState.Broken;
        }

        if (!_inString && c == '{' && _closings.Count == 1 && IsArguments && !_hasArguments)
        {
            _inArguments = _hasArguments = true;
        }

        _json.Append(c);
        if (_inArguments)
        {
            _unwritten.Append(c);
        }

        return _inString ? ReadInString(c, parts) : ReadOutside(c, parts);
    }

    private bool IsArguments => !_isName && _member is "arguments" or "parameters";

    private CallState ReadInString(char c, ReplyParts parts)
    {
        if (_isEscaped || c == '\\')
        {
            _isEscaped = !_isEscaped;
            return CallState.Open;
        }

        _inString = c != '"';
        return _inString || _closings.Count > 1 ? CallState.Open : EndString(parts);
    }

    private CallState ReadOutside(char c, ReplyParts parts)
    {
        switch (c)
        {
            case '"':
                _inString = true;
                _stringStart = _json.Length - 1;
                break;
            case '{' or '[':
                if (_closings.Count == ArgumentText.MaxDepth)
                {
                    return CallState.Broken;
                }

                _closings.Push(c == '{' ? '}' : ']');
                break;
            case '}' or ']':
                if (_closings.Pop() != c)
                {
                    return CallState.Broken;
                }

                _inArguments &= _closings.Count > 1;
                return _closings.Count > 0 ? CallState.Open : Finish(parts);
            case ',' or ':':
                _isName = _closings.Count == 1 ? c == ',' : _isName;
                break;
            case '<':
                return CallState.Broken; // A tag: the object will not end.
            default:
                break;
        }

        return CallState.Open;
    }

    /// <summary>Looks at a string of the outermost object: the name of a member, or a value.</summary>
    private CallState EndString(ReplyParts parts)
    {
        if (ArgumentText.TryParse(_json.ToString(_stringStart, _json.Length - _stringStart)) is not { } value)
        {
            return CallState.Broken;
        }

        string text = value.GetString()!;
        if (_isName)
        {
            // What begins otherwise is an answer in JSON.
            bool isFirst = _member.Length == 0;
            _member = text;
            return isFirst && !Members.Contains(text) ? CallState.Broken : CallState.Open;
        }

        if (_member == "name")
        {
            return !HasStarted && TryStart(text, parts) ? CallState.Open : CallState.Broken;
        }

        if (IsArguments)
        {
            if (_hasArguments || ArgumentText.TryParse(text) is not { ValueKind: JsonValueKind.Object })
            {
                return CallState.Broken;
            }

            _hasArguments = true;
            _unwritten.Append(text);
        }

        return CallState.Open;
    }

    private CallState Finish(ReplyParts parts)
    {
        WriteArguments(parts);
        if (!HasStarted || ArgumentText.TryParse(_json.ToString()) is not { } call || HasOddArguments(call))
        {
            return CallState.Broken;
        }

        if (!_hasArguments)
        {
            Write("{}", parts);
        }

        Complete(parts);
        return CallState.Complete;
    }

    /// <summary>Whether arguments are given twice, or as something that is no object.</summary>
    private static bool HasOddArguments(JsonElement call)
    {
        JsonElement[] given = [.. call.EnumerateObject().Where(member => member.Name is "arguments" or "parameters").Select(member => member.Value)];
        return given.Length > 1 || given.Any(value => value.ValueKind is not (JsonValueKind.Object or JsonValueKind.String or JsonValueKind.Null));
    }

    private void WriteArguments(ReplyParts parts)
    {
        if (HasStarted)
        {
            Write(_unwritten.ToString(), parts);
            _unwritten.Clear();
        }
    }
}
