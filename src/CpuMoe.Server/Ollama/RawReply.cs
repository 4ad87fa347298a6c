using System.Runtime.CompilerServices;
using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Serving;

namespace CpuMoe.Server.Ollama;

/// <summary>The continuation of a prompt without a template as a reply: all of it is text.</summary>
internal static class RawReply
{
    /// <summary>The steps of a generation.</summary>
    public static async IAsyncEnumerable<ChatUpdate> ReadAsync(GenerationJob job, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (GenerationUpdate update in job.WithCancellation(cancellationToken))
        {
            ReplyPart[] parts = update.Text.Length > 0 ? [new ContentPart(update.Text)] : [];
            yield return new ChatUpdate(parts, update.Logprobs, update.FinishReason == FinishReason.None ? null : Finish(update, job.Timings));
        }
    }

    private static ChatFinish Finish(GenerationUpdate update, GenerationTimings timings) => new(
        update.FinishReason == FinishReason.Stop ? ChatFinishReason.Stop : ChatFinishReason.Length,
        update.StopString,
        new ChatUsage(timings.PromptTokens, timings.CachedTokens, timings.GeneratedTokens, 0),
        timings);
}
