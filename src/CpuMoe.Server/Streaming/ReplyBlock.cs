using System.Text;

namespace CpuMoe.Server.Streaming;

/// <summary>What a block of a reply is.</summary>
internal enum ReplyBlockKind
{
    /// <summary>A thought.</summary>
    Thought,

    /// <summary>Text of the answer.</summary>
    Text,

    /// <summary>A call of a tool.</summary>
    Call,
}

/// <summary>A stretch of a reply that is of one kind.</summary>
/// <param name="kind">What it is.</param>
/// <param name="callId">Of a call: names it within the conversation.</param>
/// <param name="name">Of a call: the name of the tool.</param>
internal sealed class ReplyBlock(ReplyBlockKind kind, string callId = "", string name = "")
{
    private readonly StringBuilder _text = new();

    /// <summary>What it is.</summary>
    public ReplyBlockKind Kind { get; } = kind;

    /// <summary>Of a call: names it within the conversation.</summary>
    public string CallId { get; } = callId;

    /// <summary>Of a call: the name of the tool.</summary>
    public string Name { get; } = name;

    /// <summary>The text so far; of a call its arguments.</summary>
    public string Text => _text.ToString();

    /// <summary>Whether it is a call that turned out to be none: its text comes again in a block of text.</summary>
    public bool IsVoid { get; set; }

    /// <summary>Adds to the text.</summary>
    public void Append(string text) => _text.Append(text);
}

/// <summary>What happens to a block.</summary>
internal enum BlockStep
{
    /// <summary>It begins.</summary>
    Begin,

    /// <summary>There is more of its text.</summary>
    Append,

    /// <summary>It ends.</summary>
    End,
}

/// <summary>Something happens to a block.</summary>
/// <param name="Step">What.</param>
/// <param name="Block">The block, as it is afterwards.</param>
/// <param name="Text">What was added to its text.</param>
internal readonly record struct BlockEvent(BlockStep Step, ReplyBlock Block, string Text = "");
