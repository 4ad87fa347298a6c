using CpuMoe.Chat;
using CpuMoe.Serving;

namespace CpuMoe.Server.Streaming;

/// <summary>Cuts a reply into blocks, one after the other, as protocols with typed contents tell it.</summary>
internal sealed class ReplyBlocks
{
    private readonly List<ReplyBlock> _blocks = [];
    private ReplyBlock? _open;

    /// <summary>The blocks so far, without calls that turned out to be none.</summary>
    public IEnumerable<ReplyBlock> Blocks => _blocks.Where(block => !block.IsVoid);

    /// <summary>The end; null before it.</summary>
    public ChatFinish? Finish { get; private set; }

    /// <summary>The text of all blocks of a kind.</summary>
    public string TextOf(ReplyBlockKind kind) => string.Concat(Blocks.Where(block => block.Kind == kind).Select(block => block.Text));

    /// <summary>Reads a reply to its end.</summary>
    public async Task ReadAsync(IAsyncEnumerable<ChatUpdate> reply, CancellationToken cancellationToken)
    {
        await foreach (ChatUpdate update in reply.WithCancellation(cancellationToken))
        {
            Add(update);
        }
    }

    /// <summary>Adds a step; tells what happens to the blocks.</summary>
    public IReadOnlyList<BlockEvent> Add(ChatUpdate update)
    {
        List<BlockEvent> events = [];
        foreach (ReplyPart part in update.Parts)
        {
            Add(part, events);
        }

        if (update.Finish is { } finish)
        {
            Finish = finish;
            End(events);
        }

        return events;
    }

    private void Add(ReplyPart part, List<BlockEvent> events)
    {
        switch (part)
        {
            case ReasoningPart reasoning:
                BeginUnlessOpen(ReplyBlockKind.Thought, events);
                Append(reasoning.Text, events);
                break;
            case ContentPart content:
                BeginUnlessOpen(ReplyBlockKind.Text, events);
                Append(content.Text, events);
                break;
            case ToolCallStart start:
                Begin(new ReplyBlock(ReplyBlockKind.Call, start.Id, start.Name), events);
                break;
            case ToolArgumentsPart arguments:
                Append(arguments.Json, events);
                break;
            case ToolCallFailed:
                _open!.IsVoid = true;
                End(events);
                break;
            case ToolCallEnd:
                End(events);
                break;
            default:
                break;
        }
    }

    private void BeginUnlessOpen(ReplyBlockKind kind, List<BlockEvent> events)
    {
        if (_open?.Kind != kind)
        {
            Begin(new ReplyBlock(kind), events);
        }
    }

    private void Begin(ReplyBlock block, List<BlockEvent> events)
    {
        End(events);
        _open = block;
        _blocks.Add(block);
        events.Add(new BlockEvent(BlockStep.Begin, block));
    }

    private void Append(string text, List<BlockEvent> events)
    {
        _open!.Append(text);
        events.Add(new BlockEvent(BlockStep.Append, _open, text));
    }

    private void End(List<BlockEvent> events)
    {
        if (_open is { } block)
        {
            events.Add(new BlockEvent(BlockStep.End, block));
            _open = null;
        }
    }
}
