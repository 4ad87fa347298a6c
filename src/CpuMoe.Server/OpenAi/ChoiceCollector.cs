using CpuMoe.Chat;
using CpuMoe.Serving;
using CpuMoe.Text;

namespace CpuMoe.Server.OpenAi;

/// <summary>Puts one whole answer together.</summary>
/// <param name="tokenizer">Tells what tokens are.</param>
/// <param name="callsFunctions">Whether a call is a <c>function_call</c>.</param>
internal sealed class ChoiceCollector(Tokenizer tokenizer, bool callsFunctions)
{
    private readonly ReplyCollector _reply = new();
    private readonly List<LogprobEntry> _logprobs = [];

    /// <summary>The end; null before it.</summary>
    public ChatFinish? Finish { get; private set; }

    /// <summary>Reads a reply to its end.</summary>
    public async Task ReadAsync(IAsyncEnumerable<ChatUpdate> reply, CancellationToken cancellationToken)
    {
        await foreach (ChatUpdate update in reply.WithCancellation(cancellationToken))
        {
            _reply.Add(update.Parts);
            if (update.Logprobs is { } logprobs)
            {
                _logprobs.Add(LogprobWriter.Describe(logprobs, tokenizer));
            }

            Finish = update.Finish ?? Finish;
        }
    }

    /// <summary>The answer.</summary>
    /// <param name="index">Its number.</param>
    /// <param name="withLogprobs">Whether it tells how likely its tokens were.</param>
    public ChatChoice ToChoice(int index, bool withLogprobs)
    {
        CalledTool[] calls = [.. _reply.Calls.Select(call => new CalledTool(call.Id, new CalledFunction(call.Name, call.Arguments)))];
        AssistantMessage message = new(
            _reply.Content.Length == 0 && calls.Length > 0 ? null : _reply.Content,
            _reply.Reasoning.Length > 0 ? _reply.Reasoning : null,
            calls.Length > 0 && !callsFunctions ? calls : null,
            callsFunctions ? calls.FirstOrDefault()?.Function : null);
        return new ChatChoice(index, message, withLogprobs ? new ChatLogprobs([.. _logprobs]) : null, ReasonOf(Finish!.Reason, callsFunctions));
    }

    /// <summary>The word for the reason of an end.</summary>
    public static string ReasonOf(ChatFinishReason reason, bool callsFunctions) => reason switch
    {
        ChatFinishReason.Length => "length",
        ChatFinishReason.ToolCalls => callsFunctions ? "function_call" : "tool_calls",
        _ => "stop",
    };
}
