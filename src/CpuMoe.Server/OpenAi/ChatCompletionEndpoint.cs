using CpuMoe.Server.Hosting;
using CpuMoe.Server.Requests;
using CpuMoe.Server.Streaming;
using CpuMoe.Serving;
using CpuMoe.Text;

namespace CpuMoe.Server.OpenAi;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal static class ChatCompletionEndpoint
{
    /// <summary>Maps the endpoint.</summary>
    public static void Map(ApiRoutes routes)
    {
        routes.MapPost("/v1/chat/completions", AnswerAsync);
        routes.MapPost("/chat/completions", AnswerAsync);
    }

    private static async Task AnswerAsync(ApiCall call)
    {
        ChatCompletionRequest request = ChatCompletionRequest.Read(await call.ReadJsonAsync(), call.Server);
        AdmittedReply[] replies = await AdmittedReply.SubmitAsync(call, request.Model, request.Chat, request.Choices);
        try
        {
            await (request.Stream is { } options ? StreamAsync(call, request, replies, options) : SendAsync(call, request, replies));
        }
        finally
        {
            await AdmittedReply.DisposeAsync(replies);
        }
    }

    private static async Task SendAsync(ApiCall call, ChatCompletionRequest request, AdmittedReply[] replies)
    {
        ChoiceCollector[] choices = [.. replies.Select(_ => new ChoiceCollector(request.Model.Scheduler.Model.Tokenizer, request.CallsFunctions))];
        await Task.WhenAll(choices.Zip(replies, (choice, reply) => choice.ReadAsync(reply, call.Aborted)));
        bool withLogprobs = request.Chat.Generation.Logprobs is not null;
        ChatCompletion completion = new(
            RandomId.Create("chatcmpl-"),
            DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            request.ModelName,
            request.Model.Fingerprint,
            [.. choices.Select((choice, index) => choice.ToChoice(index, withLogprobs))],
            Usage.Of([.. choices.Select(choice => choice.Finish!.Usage)]),
            Timings.Of(choices[0].Finish!.Timings));
        await call.WriteJsonAsync(completion, OpenAiJson.Default.ChatCompletion);
    }

    private static async Task StreamAsync(ApiCall call, ChatCompletionRequest request, AdmittedReply[] replies, StreamOptions options)
    {
        EventStream stream = await call.StartAsync(new EventStream(call.Http, call.Server.Options.KeepAliveInterval));
        ChatChunk head = new(RandomId.Create("chatcmpl-"), DateTimeOffset.UtcNow.ToUnixTimeSeconds(), request.ModelName, request.Model.Fingerprint, []);
        Tokenizer tokenizer = request.Model.Scheduler.Model.Tokenizer;
        ChatChunkWriter[] writers = [.. replies.Select((_, index) => new ChatChunkWriter(stream, head, index, options.IncludeUsage, request.CallsFunctions, tokenizer))];
        foreach (ChatChunkWriter writer in writers)
        {
            await writer.BeginAsync();
        }

        await foreach ((int index, ChatUpdate update) in stream.KeepAliveAsync(Merging.Merge(replies, call.Aborted), call.Aborted))
        {
            await writers[index].WriteAsync(update);
        }

        if (options.IncludeUsage)
        {
            Usage usage = Usage.Of([.. writers.Select(writer => writer.Finish!.Usage)]);
            await stream.SendAsync(new ChatChunkWithUsage(head.Id, head.Created, head.Model, head.SystemFingerprint, [], usage), OpenAiJson.Default.ChatChunkWithUsage);
        }

        await stream.SendAsync("[DONE]");
    }
}
