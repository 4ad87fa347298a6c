using CpuMoe.Server.Hosting;
using CpuMoe.Server.Requests;
using CpuMoe.Serving;
using Microsoft.AspNetCore.Routing;

namespace CpuMoe.Server.Ollama;

/// <summary>The part of Ollama's API that talks to a model; what fetches, makes or deletes models is not there. The sign of life at <c>/</c> is the chat page's.</summary>
internal static class OllamaEndpoints
{
    private const string Version = "0.12.0"; // Of Ollama, whose API this is: clients look for features by it.

    /// <summary>Maps the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        ApiRoutes routes = new(endpoints, OllamaErrors.Instance);
        OllamaModels.Map(routes);
        routes.MapGet("/api/version", call => call.WriteJsonAsync(new OllamaVersion(Version), OllamaJson.Default.OllamaVersion));
        routes.MapPost("/api/chat", async call => await AnswerAsync(call, OllamaRequest.ReadChat(await call.ReadJsonAsync(), call.Server)));
        routes.MapPost("/api/generate", async call => await AnswerAsync(call, OllamaRequest.ReadGenerate(await call.ReadJsonAsync(), call.Server)));
        routes.MapNothing("/api/{**path}");
    }

    private static async Task AnswerAsync(ApiCall call, OllamaRequest request)
    {
        OllamaAnswer answer = new(request);
        if (request.RawPrompt is { } prompt)
        {
            await using GenerationJob job = Submit(call, request, prompt);
            await SendAsync(call, request, answer, RawReply.ReadAsync(job));
        }
        else if (request.Chat is { } chat)
        {
            await using var reply = AdmittedReply.Submit(call, request.Model, chat);
            await SendAsync(call, request, answer, reply);
        }
        else
        {
            await call.WriteJsonAsync(answer.Loaded(), OllamaJson.Default.OllamaReply);
        }
    }

    private static GenerationJob Submit(ApiCall call, OllamaRequest request, int[] prompt)
    {
        try
        {
            return request.Model.Scheduler.Submit(prompt, request.RawOptions with { Client = call.Http.Connection.Id }, call.Aborted);
        }
        catch (ArgumentException fault)
        {
            throw AdmittedReply.Refusal(fault);
        }
    }

    private static async Task SendAsync(ApiCall call, OllamaRequest request, OllamaAnswer answer, IAsyncEnumerable<ChatUpdate> reply)
    {
        if (!request.IsStream)
        {
            await call.WriteJsonAsync(await answer.ReadAsync(reply, call.Aborted), OllamaJson.Default.OllamaReply);
            return;
        }

        JsonLineStream stream = await call.StartAsync(new JsonLineStream(call.Http, call.Server.Options.KeepAliveInterval, () => answer.Line()));
        await foreach (ChatUpdate update in stream.KeepAliveAsync(reply, call.Aborted))
        {
            foreach (OllamaReply line in answer.Read(update))
            {
                await stream.SendAsync(line);
            }
        }
    }
}
