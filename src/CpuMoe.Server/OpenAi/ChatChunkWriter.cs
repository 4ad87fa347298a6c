using CpuMoe.Chat;
using CpuMoe.Server.Streaming;
using CpuMoe.Serving;
using CpuMoe.Text;

namespace CpuMoe.Server.OpenAi;

/// <summary>Streams one of the answers; the stream is shared by all.</summary>
internal sealed class ChatChunkWriter(EventStream stream, ChatChunk head, int index, bool includeUsage, bool callsFunctions, Tokenizer tokenizer)
{
    private readonly List<LogprobEntry> _logprobs = [];

    /// <summary>The end; null before it.</summary>
    public ChatFinish? Finish { get; private set; }

    /// <summary>Says who speaks.</summary>
    public ValueTask BeginAsync() => SendAsync(new ChatDelta { Role = "assistant", Content = "" });

    /// <summary>Sends what is new.</summary>
    public async ValueTask WriteAsync(ChatUpdate update)
    {
        if (update.Logprobs is { } logprobs)
        {
            _logprobs.Add(LogprobWriter.Describe(logprobs, tokenizer));
        }

        foreach (ReplyPart part in update.Parts)
        {
            if (DeltaOf(part) is { } delta)
            {
                await SendAsync(delta);
            }
        }

        if (update.Finish is { } finish)
        {
            Finish = finish;
            if (_logprobs.Count > 0)
            {
                await SendAsync(new ChatDelta { Content = "" });
            }

            ChunkChoice last = new(index, new ChatDelta(), FinishReason: ChoiceCollector.ReasonOf(finish.Reason, callsFunctions));
            await SendAsync(head with { Choices = [last], Timings = Timings.Of(finish.Timings) });
        }
    }

    private ChatDelta? DeltaOf(ReplyPart part) => part switch
    {
        ContentPart content => new ChatDelta { Content = content.Text },
        ReasoningPart reasoning => new ChatDelta { ReasoningContent = reasoning.Text },
        ToolCallStart start when callsFunctions => new ChatDelta { FunctionCall = new FunctionDelta(start.Name, "") },
        ToolArgumentsPart arguments when callsFunctions => new ChatDelta { FunctionCall = new FunctionDelta(null, arguments.Json) },
        ToolCallStart start => new ChatDelta { ToolCalls = [new ToolCallDelta(start.Index, start.Id, "function", new FunctionDelta(start.Name, ""))] },
        ToolArgumentsPart arguments => new ChatDelta { ToolCalls = [new ToolCallDelta(arguments.Index, null, null, new FunctionDelta(null, arguments.Json))] },
        _ => null,
    };

    // Probabilities of tokens whose text was held back go with the next text.
    private ValueTask SendAsync(ChatDelta delta)
    {
        ChatLogprobs? logprobs = null;
        if (delta.Content is not null && _logprobs.Count > 0)
        {
            logprobs = new ChatLogprobs([.. _logprobs]);
            _logprobs.Clear();
        }

        return SendAsync(head with { Choices = [new ChunkChoice(index, delta, logprobs)] });
    }

    private ValueTask SendAsync(ChatChunk chunk) => includeUsage
        ? stream.SendAsync(
            new ChatChunkWithUsage(chunk.Id, chunk.Created, chunk.Model, chunk.SystemFingerprint, chunk.Choices, null) { Timings = chunk.Timings },
            OpenAiJson.Default.ChatChunkWithUsage)
        : stream.SendAsync(chunk, OpenAiJson.Default.ChatChunk);
}
