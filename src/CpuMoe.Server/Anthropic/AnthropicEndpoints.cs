using CpuMoe.Server.Hosting;
using CpuMoe.Server.Requests;
using CpuMoe.Server.Streaming;
using CpuMoe.Serving;
using Microsoft.AspNetCore.Routing;

namespace CpuMoe.Server.Anthropic;

/// <summary>Anthropic's Messages API. Its list of models is that of <see cref="OpenAi.ModelEndpoints"/>.</summary>
internal static class AnthropicEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        ApiRoutes routes = new(endpoints, AnthropicErrors.Instance);
        routes.MapPost("/v1/messages", AnswerAsync);
        routes.MapPost("/v1/messages/count_tokens", CountAsync);
        routes.MapNothing("/v1/messages/{**path}");
    }

    private static async Task CountAsync(ApiCall call)
    {
        MessageRequest request = MessageRequest.Read(await call.ReadJsonAsync(), call.Server, isCount: true);
        int count;
        try
        {
            count = request.Model.Engine.CountTokens(request.Chat);
        }
        catch (ArgumentException fault)
        {
            throw AdmittedReply.Refusal(fault);
        }

        await call.WriteJsonAsync(new TokenCount(count), AnthropicJson.Default.TokenCount);
    }

    private static async Task AnswerAsync(ApiCall call)
    {
        MessageRequest request = MessageRequest.Read(await call.ReadJsonAsync(), call.Server, isCount: false);
        await using var reply = AdmittedReply.Submit(call, request.Model, request.Chat);
        Message frame = new(RandomId.Create("msg_"), request.ModelName, [], null, null, new MessageUsage(reply.PromptTokens, 0, 0, 0));
        await (request.IsStream ? StreamAsync(call, reply, frame) : SendAsync(call, reply, frame));
    }

    private static async Task SendAsync(ApiCall call, AdmittedReply reply, Message frame)
    {
        ReplyBlocks blocks = new();
        await blocks.ReadAsync(reply, call.Aborted);
        var stop = StopDelta.Of(blocks.Finish!);
        Message message = frame with
        {
            Content = [.. blocks.Blocks.Select(ContentBlock.Of)],
            StopReason = stop.StopReason,
            StopSequence = stop.StopSequence,
            Usage = MessageUsage.Of(blocks.Finish!.Usage),
        };
        await call.WriteJsonAsync(message, AnthropicJson.Default.Message);
    }

    private static async Task StreamAsync(ApiCall call, AdmittedReply reply, Message frame)
    {
        MessageStream stream = await call.StartAsync(new MessageStream(call.Http, call.Server.Options.KeepAliveInterval));
        await stream.BeginAsync(frame);
        await foreach (ChatUpdate update in stream.KeepAliveAsync(reply, call.Aborted))
        {
            await stream.WriteAsync(update);
        }
    }
}
