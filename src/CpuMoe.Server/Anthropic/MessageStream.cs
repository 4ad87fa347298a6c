using System.Text.Json.Serialization.Metadata;
using CpuMoe.Server.Streaming;
using CpuMoe.Serving;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Server.Anthropic;

/// <summary>Streams an answer: blocks with a beginning, pieces and an end, one after the other.</summary>
/// <param name="http">The request.</param>
/// <param name="silence">The longest time without a byte.</param>
internal sealed class MessageStream(HttpContext http, TimeSpan silence) : EventStream(http, silence)
{
    private readonly ReplyBlocks _blocks = new();
    private int _index = -1;

    /// <summary>Begins the answer.</summary>
    /// <param name="frame">The answer without content.</param>
    public ValueTask BeginAsync(Message frame) => SendAsync(new MessageStart(frame), AnthropicJson.Default.MessageStart);

    /// <summary>Sends what is new.</summary>
    public async ValueTask WriteAsync(ChatUpdate update)
    {
        foreach (BlockEvent change in _blocks.Add(update))
        {
            switch (change.Step)
            {
                case BlockStep.Begin:
                    await SendAsync(new BlockStart(++_index, ContentBlock.Begin(change.Block)), AnthropicJson.Default.BlockStart);
                    break;
                case BlockStep.Append:
                    await SendAsync(ContentDelta.Of(change.Block.Kind, change.Text));
                    break;
                default:
                    await EndAsync(change.Block);
                    break;
            }
        }

        if (update.Finish is { } finish)
        {
            await SendAsync(new MessageDelta(StopDelta.Of(finish), MessageUsage.Of(finish.Usage)), AnthropicJson.Default.MessageDelta);
            await SendAsync(new MessageStop(), AnthropicJson.Default.MessageStop);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask WriteKeepAliveAsync() => SendAsync(new Ping(), AnthropicJson.Default.Ping);

    private async ValueTask EndAsync(ReplyBlock block)
    {
        if (block.Kind == ReplyBlockKind.Thought)
        {
            await SendAsync(new ContentDelta("signature_delta") { Signature = ContentBlock.SignatureOf(block) });
        }

        await SendAsync(new BlockStop(_index), AnthropicJson.Default.BlockStop);
    }

    private ValueTask SendAsync(ContentDelta delta) => SendAsync(new BlockDelta(_index, delta), AnthropicJson.Default.BlockDelta);

    // Clients drop events without a name.
    private ValueTask SendAsync<T>(T data, JsonTypeInfo<T> type)
        where T : MessageEvent => SendAsync(data, type, data.Type);
}
