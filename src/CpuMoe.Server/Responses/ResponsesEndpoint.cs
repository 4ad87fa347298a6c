using CpuMoe.Server.Hosting;
using CpuMoe.Server.OpenAi;
using CpuMoe.Server.Requests;
using CpuMoe.Server.Streaming;
using CpuMoe.Serving;
using Microsoft.AspNetCore.Routing;

namespace CpuMoe.Server.Responses;

/// <summary><c>POST /v1/responses</c>, without state on the server.</summary>
internal static class ResponsesEndpoint
{
    /// <summary>Maps the endpoint.</summary>
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        ApiRoutes routes = new(endpoints, OpenAiErrors.Instance);
        routes.MapPost("/v1/responses", AnswerAsync);
        routes.MapPost("/responses", AnswerAsync);
    }

    private static async Task AnswerAsync(ApiCall call)
    {
        ResponseRequest request = ResponseRequest.Read(await call.ReadJsonAsync(), call.Server);
        await using var reply = AdmittedReply.Submit(call, request.Model, request.Chat);
        await (request.IsStream ? StreamAsync(call, reply, request) : SendAsync(call, reply, request));
    }

    private static async Task SendAsync(ApiCall call, AdmittedReply reply, ResponseRequest request)
    {
        ReplyBlocks blocks = new();
        await blocks.ReadAsync(reply, call.Aborted);
        ChatFinish finish = blocks.Finish!;
        ReplyBlock? cut = finish.Reason == ChatFinishReason.Length ? blocks.Blocks.LastOrDefault() : null;
        OutputItem[] output = [.. blocks.Blocks.Select(block => OutputItem.Begin(block).End(block, block == cut, request.SealsThoughts))];
        await call.WriteJsonAsync(request.Frame.Complete(output, finish), ResponsesJson.Default.Response);
    }

    private static async Task StreamAsync(ApiCall call, AdmittedReply reply, ResponseRequest request)
    {
        ResponseStream stream = await call.StartAsync(new ResponseStream(call.Http, call.Server.Options.KeepAliveInterval, request));
        await stream.BeginAsync();
        await foreach (ChatUpdate update in stream.KeepAliveAsync(reply, call.Aborted))
        {
            await stream.WriteAsync(update);
        }
    }
}
