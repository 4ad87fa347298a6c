using System.Text;
using CpuMoe.Generation;
using CpuMoe.Server.Hosting;
using CpuMoe.Server.Requests;
using CpuMoe.Server.Streaming;
using CpuMoe.Serving;
using CpuMoe.Text;

namespace CpuMoe.Server.OpenAi;

/// <summary><c>POST /v1/completions</c>.</summary>
internal static class CompletionEndpoint
{
    /// <summary>Maps the endpoint.</summary>
    public static void Map(ApiRoutes routes)
    {
        routes.MapPost("/v1/completions", AnswerAsync);
        routes.MapPost("/completions", AnswerAsync);
    }

    private static async Task AnswerAsync(ApiCall call)
    {
        CompletionRequest request = CompletionRequest.Read(await call.ReadJsonAsync(), call.Server);
        List<GenerationJob> jobs = [];
        try
        {
            Submit(call, request, jobs);
            await (request.Stream is { } options ? StreamAsync(call, request, jobs, options) : SendAsync(call, request, jobs));
            jobs.ForEach(job => call.Server.Metrics.ReplyComplete(job.Timings));
        }
        finally
        {
            await AdmittedReply.DisposeAsync(jobs);
        }
    }

    private static void Submit(ApiCall call, CompletionRequest request, List<GenerationJob> jobs)
    {
        SamplerOptions sampling = request.Generation.Sampling;
        try
        {
            foreach (int[] prompt in request.Prompts)
            {
                for (int i = 0; i < request.Choices; i++)
                {
                    GenerationOptions options = request.Generation with
                    {
                        Sampling = sampling with { Seed = sampling.Seed + (ulong)i },
                        Client = call.Http.Connection.Id,
                    };
                    jobs.Add(request.Model.Scheduler.Submit(prompt, options, call.Aborted));
                }
            }
        }
        catch (ArgumentException fault)
        {
            throw AdmittedReply.Refusal(fault);
        }
    }

    private static async Task SendAsync(ApiCall call, CompletionRequest request, List<GenerationJob> jobs)
    {
        CompletionChoice[] choices = await Task.WhenAll(jobs.Select((job, index) => CollectAsync(call, request, job, index)));
        CompletionWithUsage completion = new(
            RandomId.Create("cmpl-"), DateTimeOffset.UtcNow.ToUnixTimeSeconds(), request.ModelName, request.Model.Fingerprint, choices, UsageOf(request, jobs))
        {
            Timings = Timings.Of(jobs[0].Timings),
        };
        await call.WriteJsonAsync(completion, OpenAiJson.Default.CompletionWithUsage);
    }

    private static async Task<CompletionChoice> CollectAsync(ApiCall call, CompletionRequest request, GenerationJob job, int index)
    {
        StringBuilder text = new(EchoOf(request, index));
        CompletionLogprobCollector logprobs = new(request.Model.Scheduler.Model.Tokenizer, request.PromptOf(index), job);
        string? reason = null;
        await foreach (GenerationUpdate update in job.WithCancellation(call.Aborted))
        {
            text.Append(update.Text);
            logprobs.Add(update);

            reason = ReasonOf(update.FinishReason);
        }

        return new CompletionChoice(text.ToString(), index, logprobs.Take(), reason);
    }

    private static async Task StreamAsync(ApiCall call, CompletionRequest request, List<GenerationJob> jobs, StreamOptions options)
    {
        EventStream stream = await call.StartAsync(new EventStream(call.Http, call.Server.Options.KeepAliveInterval));
        Completion head = new(RandomId.Create("cmpl-"), DateTimeOffset.UtcNow.ToUnixTimeSeconds(), request.ModelName, request.Model.Fingerprint, []);
        Tokenizer tokenizer = request.Model.Scheduler.Model.Tokenizer;
        CompletionLogprobCollector[] logprobs = [.. jobs.Select((job, index) => new CompletionLogprobCollector(tokenizer, request.PromptOf(index), job))];
        if (request.Echo)
        {
            for (int index = 0; index < jobs.Count; index++)
            {
                await WriteAsync(new CompletionChoice(EchoOf(request, index), index, null, null));
            }
        }

        await foreach ((int index, GenerationUpdate update) in stream.KeepAliveAsync(Merging.Merge(jobs, call.Aborted), call.Aborted))
        {
            logprobs[index].Add(update);
            string? reason = ReasonOf(update.FinishReason);
            if (update.Text.Length > 0 || reason is not null)
            {
                await WriteAsync(new CompletionChoice(update.Text, index, logprobs[index].Take(), reason));
            }
        }

        if (options.IncludeUsage)
        {
            await stream.SendAsync(WithUsage([], UsageOf(request, jobs)), OpenAiJson.Default.CompletionWithUsage);
        }

        await stream.SendAsync("[DONE]");

        ValueTask WriteAsync(CompletionChoice choice) => options.IncludeUsage
            ? stream.SendAsync(WithUsage([choice], null), OpenAiJson.Default.CompletionWithUsage)
            : stream.SendAsync(head with { Choices = [choice] }, OpenAiJson.Default.Completion);

        CompletionWithUsage WithUsage(CompletionChoice[] choices, Usage? usage) => new(head.Id, head.Created, head.Model, head.SystemFingerprint, choices, usage);
    }

    private static string EchoOf(CompletionRequest request, int index) =>
        request.Echo ? request.Model.Scheduler.Model.Tokenizer.Decode(request.PromptOf(index)) : "";

    private static Usage UsageOf(CompletionRequest request, List<GenerationJob> jobs)
    {
        // A prompt counts once, however many continuations it has.
        IEnumerable<GenerationTimings> firsts = jobs.Where((_, index) => index % request.Choices == 0).Select(job => job.Timings);
        return Usage.Of(firsts.Sum(t => t.PromptTokens), firsts.Sum(t => t.CachedTokens), jobs.Sum(job => job.Timings.GeneratedTokens));
    }

    private static string? ReasonOf(FinishReason reason) => reason switch
    {
        FinishReason.None => null,
        FinishReason.Stop => "stop",
        _ => "length",
    };
}
