using CpuMoe.Server.Errors;
using CpuMoe.Server.Streaming;
using CpuMoe.Serving;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Server.Responses;

/// <summary>Streams an answer: its items with a beginning, pieces and an end, one after the other.</summary>
/// <param name="http">The request.</param>
/// <param name="silence">The longest time without a byte.</param>
/// <param name="request">What is answered.</param>
internal sealed class ResponseStream(HttpContext http, TimeSpan silence, ResponseRequest request) : EventStream(http, silence)
{
    private readonly ReplyBlocks _blocks = new();
    private readonly List<OutputItem> _items = [];
    private OutputItem? _item;
    private int _sequence;

    /// <summary>Begins the answer.</summary>
    public async ValueTask BeginAsync()
    {
        await SendAsync(Event("response.created") with { Response = request.Frame });
        await SendAsync(Event("response.in_progress") with { Response = request.Frame });
    }

    /// <summary>Sends what is new.</summary>
    public async ValueTask WriteAsync(ChatUpdate update)
    {
        IReadOnlyList<BlockEvent> changes = _blocks.Add(update);
        for (int i = 0; i < changes.Count; i++)
        {
            BlockEvent change = changes[i];
            switch (change.Step)
            {
                case BlockStep.Begin:
                    await BeginItemAsync(change.Block);
                    break;
                case BlockStep.Append:
                    await SendAsync(ItemEvent(DeltaOf(change.Block.Kind), change.Block) with { Delta = change.Text, Logprobs = change.Block.Kind == ReplyBlockKind.Text ? [] : null });
                    break;
                default:
                    await EndItemAsync(change.Block, isCut: i == changes.Count - 1 && update.Finish?.Reason == ChatFinishReason.Length);
                    break;
            }
        }

        if (update.Finish is { } finish)
        {
            Response response = request.Frame.Complete([.. _items], finish);
            await SendAsync(Event($"response.{response.Status}") with { Response = response });
        }
    }

    /// <inheritdoc/>
    public override ValueTask WriteErrorAsync(ErrorShape shape, ApiError error, string requestId)
    {
        Response failed = request.Frame with { Status = "failed", Output = [.. _items], Error = new ResponseError("server_error", $"{error.Message} ({requestId})") };
        return SendAsync(Event("response.failed") with { Response = failed });
    }

    private async ValueTask BeginItemAsync(ReplyBlock block)
    {
        _item = OutputItem.Begin(block);
        await SendAsync(Event("response.output_item.added") with { OutputIndex = _items.Count, Item = _item });
        if (block.Kind == ReplyBlockKind.Text)
        {
            await SendAsync(ItemEvent("response.content_part.added", block) with { Part = OutputPart.OfText("") });
        }
    }

    private async ValueTask EndItemAsync(ReplyBlock block, bool isCut)
    {
        switch (block.Kind)
        {
            case ReplyBlockKind.Thought:
                await SendAsync(ItemEvent("response.reasoning_text.done", block) with { Text = block.Text });
                break;
            case ReplyBlockKind.Text:
                await SendAsync(ItemEvent("response.output_text.done", block) with { Text = block.Text, Logprobs = [] });
                await SendAsync(ItemEvent("response.content_part.done", block) with { Part = OutputPart.Of(block) });
                break;
            default:
                await SendAsync(ItemEvent("response.function_call_arguments.done", block) with { Name = block.Name, Arguments = block.Text });
                break;
        }

        OutputItem item = _item!.End(block, isCut, request.SealsThoughts);
        await SendAsync(Event("response.output_item.done") with { OutputIndex = _items.Count, Item = item });
        _items.Add(item);
    }

    private static string DeltaOf(ReplyBlockKind kind) => kind switch
    {
        ReplyBlockKind.Thought => "response.reasoning_text.delta",
        ReplyBlockKind.Text => "response.output_text.delta",
        _ => "response.function_call_arguments.delta",
    };

    private ResponseEvent Event(string type) => new(type, _sequence++);

    private ResponseEvent ItemEvent(string type, ReplyBlock block) =>
        Event(type) with { OutputIndex = _items.Count, ItemId = _item!.Id, ContentIndex = block.Kind == ReplyBlockKind.Call ? null : 0 };

    private ValueTask SendAsync(ResponseEvent data) => SendAsync(data, ResponsesJson.Default.ResponseEvent, data.Type);
}
