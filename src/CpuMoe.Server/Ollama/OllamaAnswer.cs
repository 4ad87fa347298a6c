using System.Diagnostics;
using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Server.OpenAi;
using CpuMoe.Server.Streaming;
using CpuMoe.Serving;
using CpuMoe.Text;

namespace CpuMoe.Server.Ollama;

/// <summary>Makes the lines of an answer, or the whole of it.</summary>
internal sealed class OllamaAnswer(OllamaRequest request)
{
    private const double NanosecondsPerTick = 1e9 / TimeSpan.TicksPerSecond;

    private readonly Tokenizer _tokenizer = request.Model.Scheduler.Model.Tokenizer;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly List<LogprobEntry> _logprobs = [];
    private readonly ReplyBlocks _blocks = new();

    /// <summary>A line with nothing or little in it.</summary>
    public OllamaReply Line(string text = "", string? thinking = null, OllamaCall[]? calls = null)
    {
        OllamaReply line = new(request.ModelName, DateTime.UtcNow, Done: false);
        return request.IsChat
            ? line with { Message = new OllamaMessage(text) { Thinking = thinking, ToolCalls = calls } }
            : line with { Response = text, Thinking = thinking };
    }

    /// <summary>The answer to a request that only wants the model in memory, where it always is.</summary>
    public OllamaReply Loaded() => Line() with { Done = true, DoneReason = "load" };

    /// <summary>The lines of a step.</summary>
    public IEnumerable<OllamaReply> Read(ChatUpdate update)
    {
        AddLogprobs(update);
        foreach (ReplyPart part in update.Parts)
        {
            switch (part)
            {
                case ReasoningPart reasoning:
                    yield return Line(thinking: reasoning.Text);
                    break;
                case ContentPart content:
                    yield return Line(content.Text) with { Logprobs = TakeLogprobs() };
                    break;
                case ToolCallEnd end:
                    yield return Line(calls: [Describe(end.Call.Id, end.Index, end.Call.Name, end.Call.Arguments)]);
                    break;
                default:
                    break;
            }
        }

        if (update.Finish is { } finish)
        {
            yield return End(Line() with { Logprobs = TakeLogprobs() }, finish);
        }
    }

    /// <summary>The whole answer.</summary>
    public async Task<OllamaReply> ReadAsync(IAsyncEnumerable<ChatUpdate> reply, CancellationToken cancellationToken)
    {
        await foreach (ChatUpdate update in reply.WithCancellation(cancellationToken))
        {
            AddLogprobs(update);
            _blocks.Add(update);
        }

        OllamaCall[] calls = [.. _blocks.Blocks.Where(block => block.Kind == ReplyBlockKind.Call).Select((call, index) => Describe(call.CallId, index, call.Name, call.Text))];
        string thought = _blocks.TextOf(ReplyBlockKind.Thought);
        OllamaReply whole = Line(_blocks.TextOf(ReplyBlockKind.Text), thought.Length > 0 ? thought : null, calls.Length > 0 ? calls : null);
        return End(whole with { Logprobs = TakeLogprobs() }, _blocks.Finish!);
    }

    private OllamaReply End(OllamaReply line, ChatFinish finish) => line with
    {
        Done = true,
        DoneReason = finish.Reason == ChatFinishReason.Length ? "length" : "stop",
        TotalDuration = Nanoseconds(Stopwatch.GetElapsedTime(_start)),
        LoadDuration = 0,
        PromptEvalCount = finish.Usage.PromptTokens,
        PromptEvalDuration = Nanoseconds(finish.Timings.PromptTime),
        EvalCount = finish.Usage.CompletionTokens,
        EvalDuration = Nanoseconds(finish.Timings.GenerationTime),
    };

    private static OllamaCall Describe(string id, int index, string name, string arguments) => new(id, new OllamaFunction(index, name, JsonElement.Parse(arguments)));

    private void AddLogprobs(ChatUpdate update)
    {
        if (update.Logprobs is { } step)
        {
            _logprobs.Add(LogprobWriter.Describe(step, _tokenizer));
        }
    }

    // Those of tokens whose text was held back go with the next text.
    private LogprobEntry[]? TakeLogprobs()
    {
        if (_logprobs.Count == 0)
        {
            return null;
        }

        LogprobEntry[] taken = [.. _logprobs];
        _logprobs.Clear();
        return taken;
    }

    private static long Nanoseconds(TimeSpan time) => (long)(time.Ticks * NanosecondsPerTick);
}
