using System.Text;

namespace CpuMoe.Chat;

/// <summary>Takes a reply apart while it is written: into the thought, the answer and tool calls, at every possible split of the text.</summary>
/// <remarks>
/// <para>The thought and the white space around it are as in <see cref="ReasoningParser"/>; a call in a thought is part of the thought.</para>
/// <para>
/// A call is reported as soon as its name is known, its arguments while they are written. What turns out to be no call (an
/// unknown name, malformed text, a reply that ends within) is text: either nothing was reported of it before, or
/// <see cref="ToolCallFailed"/> takes the beginning back. White space before and after calls is dropped. At the end of the
/// reply a call of GLM's formats may lack its closing tag, if all its arguments are closed and all required ones are there.
/// </para>
/// </remarks>
public sealed class ReplyParser
{
    private readonly ReasoningParser _reasoning;
    private readonly OfferedTools? _tools;
    private readonly StringBuilder _written = new();
    private int _openingLength;
    private ToolCallReader? _call;
    private int _callIndex;

    private string _held = "";
    private string _surrogate = "";

    /// <summary>Whether nothing but calls was written: where Llama's calls begin.</summary>
    private bool _isAtBeginning = true;

    /// <summary>After a call: what may still belong to it. Null elsewhere.</summary>
    private string? _afterCall;

    /// <summary>Creates a parser for the text that a model writes after a prompt.</summary>
    /// <param name="prompt">The prompt or its end, which says whether the text begins inside a thought.</param>
    /// <param name="format">How the model writes calls; null where it writes none.</param>
    /// <param name="tools">The tools that may be called; without any, calls are text.</param>
    /// <param name="random">Where the ids of calls come from; null for <see cref="Random.Shared"/>.</param>
    public ReplyParser(string prompt = "", ToolCallFormat? format = null, IReadOnlyList<ToolDefinition>? tools = null, Random? random = null)
    {
        _reasoning = new ReasoningParser(prompt);
        if (format is { } known && tools is { Count: > 0 })
        {
            _tools = new OfferedTools(known, tools, random ?? Random.Shared);
        }
    }

    /// <summary>Whether the text so far ends within the thought.</summary>
    internal bool IsThinking => _reasoning.IsThinking;

    /// <summary>Whether a thought goes on or may still begin.</summary>
    internal bool MayThink => _reasoning.MayThink;

    /// <summary>Whether the text so far ends within the answer, outside of calls.</summary>
    internal bool IsInContent => _reasoning.IsAnswering && _call is null && _afterCall is null;

    /// <summary>Adds text; returns what is certain now.</summary>
    public IReadOnlyList<ReplyPart> Append(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = _surrogate + text;
        int whole = text.Length > 0 && char.IsHighSurrogate(text[^1]) ? text.Length - 1 : text.Length;
        _surrogate = text[whole..];
        ReplyParts parts = new();
        Add(_reasoning.Append(text[..whole]), parts);
        return parts.Items;
    }

    /// <summary>Ends the reply; returns what was held back.</summary>
    /// <param name="wasCut">Whether a limit ended it, so that the model would have gone on: then no call is accepted that is not closed.</param>
    public IReadOnlyList<ReplyPart> Flush(bool wasCut = false)
    {
        ReplyParts parts = new();
        Add(_reasoning.Append(_surrogate), parts);
        _surrogate = "";
        ReasoningDelta rest = _reasoning.Flush();
        parts.AddReasoning(rest.Reasoning);
        ReadAnswer(rest.Content, parts, isEnd: true, wasCut);
        return parts.Items;
    }

    private void Add(ReasoningDelta delta, ReplyParts parts)
    {
        parts.AddReasoning(delta.Reasoning);
        ReadAnswer(delta.Content, parts, isEnd: false, wasCut: false);
    }

    private void ReadAnswer(string text, ReplyParts parts, bool isEnd, bool wasCut)
    {
        if (_tools is null)
        {
            parts.AddContent(text);
            return;
        }

        while (true)
        {
            if (_call is null)
            {
                text = ReadContent(_held + text, _tools, isEnd, parts);
                if (_call is null)
                {
                    return;
                }
            }

            _written.Append(text);
            CallState state = _call.Read(text, parts, out string behind);
            if (state == CallState.Open)
            {
                if (!isEnd)
                {
                    return;
                }

                state = _call.End(wasCut, parts);
            }

            text = state == CallState.Complete ? EndCall(behind, _tools) : AbandonCall(parts);
        }
    }

    /// <summary>Reads text outside of calls: passes on what is certain, holds back the rest.</summary>
    /// <returns>Where a call begins: the text after its opening.</returns>
    private string ReadContent(string text, OfferedTools tools, bool isEnd, ReplyParts parts)
    {
        _held = "";
        if (_afterCall is not null && !TrySkipEndOfCall(ref text, isEnd))
        {
            _held = text;
            return "";
        }

        if (tools.Format == ToolCallFormat.Llama3 && _isAtBeginning && text.AsSpan().TrimStart() is ['{', ..])
        {
            int brace = text.IndexOf('{', StringComparison.Ordinal);
            return BeginCall(text, 0, brace + 1, brace, tools);
        }

        string tag = tools.Format.OpenTag();
        int at = text.IndexOf(tag, StringComparison.Ordinal);
        if (at >= 0)
        {
            int content = text.AsSpan(0, at).TrimEnd().Length;
            Release(text[..content], parts);
            return BeginCall(text, content, at + tag.Length, at + tag.Length, tools);
        }

        int certain = isEnd ? text.Length : text.AsSpan(0, Tags.CertainLength(text, tag)).TrimEnd().Length;
        Release(text[..certain], parts);
        _held = text[certain..];
        return "";
    }

    /// <summary>Skips what may come between a call and what follows; says whether something follows.</summary>
    private bool TrySkipEndOfCall(ref string text, bool isEnd)
    {
        text = text.TrimStart();
        if (_afterCall!.Length > 0 && text.StartsWith(_afterCall, StringComparison.Ordinal))
        {
            text = text[_afterCall.Length..].TrimStart();
            _afterCall = "";
        }

        if (text.Length == 0 || (!isEnd && _afterCall.StartsWith(text, StringComparison.Ordinal)))
        {
            return false;
        }

        _afterCall = null;
        return true;
    }

    private void Release(string content, ReplyParts parts)
    {
        parts.AddContent(content);
        _isAtBeginning &= content.Length == 0;
    }

    /// <summary>Begins a call.</summary>
    /// <param name="text">Text with the opening of the call.</param>
    /// <param name="start">Where the white space before the opening starts, which is text if the call is none.</param>
    /// <param name="openingEnd">Where the opening ends.</param>
    /// <param name="readFrom">Where the reader begins.</param>
    /// <param name="tools">The tools.</param>
    private string BeginCall(string text, int start, int openingEnd, int readFrom, OfferedTools tools)
    {
        _call = tools.Format is ToolCallFormat.Glm45 or ToolCallFormat.Glm47 ? new GlmCallReader(tools, _callIndex) : new JsonCallReader(tools, _callIndex);
        _written.Clear().Append(text, start, readFrom - start);
        _openingLength = openingEnd - start;
        return text[readFrom..];
    }

    private string EndCall(string behind, OfferedTools tools)
    {
        _call = null;
        _callIndex++;
        _isAtBeginning = true;
        _afterCall = tools.Format.EndOfCall();
        return behind;
    }

    /// <summary>Makes the opening of a call text; returns what comes after it, to be read again.</summary>
    private string AbandonCall(ReplyParts parts)
    {
        if (_call!.HasStarted)
        {
            parts.Add(new ToolCallFailed(_callIndex++));
        }

        _call = null;
        Release(_written.ToString(0, _openingLength), parts);
        return _written.ToString(_openingLength, _written.Length - _openingLength);
    }
}
