using System.Text;
using CpuMoe.Chat;
using CpuMoe.Serving;
using CpuMoe.Text;

namespace CpuMoe.Server.OpenAi;

/// <summary>Puts one whole answer together.</summary>
/// <param name="tokenizer">Tells what tokens are.</param>
/// <param name="callsFunctions">Whether a call is a <c>function_call</c>.</param>
internal sealed class ChoiceCollector(Tokenizer tokenizer, bool callsFunctions)
{
    private readonly StringBuilder _content = new();
    private readonly StringBuilder _reasoning = new();
    private readonly List<CalledTool> _calls = [];
    private readonly List<LogprobEntry> _logprobs = [];

    /// <summary>The end; null before it.</summary>
    public ChatFinish? Finish { get; private set; }

    /// <summary>Reads a reply to its end.</summary>
    public async Task ReadAsync(IAsyncEnumerable<ChatUpdate> reply, CancellationToken cancellationToken)
    {
        await foreach (ChatUpdate update in reply.WithCancellation(cancellationToken))
        {
            foreach (ReplyPart part in update.Parts)
            {
                Add(part);
            }

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
        AssistantMessage message = new(
            _content.Length == 0 && _calls.Count > 0 ? null : _content.ToString(),
            _reasoning.Length > 0 ? _reasoning.ToString() : null,
            _calls.Count > 0 && !callsFunctions ? [.. _calls] : null,
            callsFunctions ? _calls.FirstOrDefault()?.Function : null);
        return new ChatChoice(index, message, withLogprobs ? new ChatLogprobs([.. _logprobs]) : null, ReasonOf(Finish!.Reason, callsFunctions));
    }

    /// <summary>The word for the reason of an end.</summary>
    public static string ReasonOf(ChatFinishReason reason, bool callsFunctions) => reason switch
    {
        ChatFinishReason.Length => "length",
        ChatFinishReason.ToolCalls => callsFunctions ? "function_call" : "tool_calls",
        _ => "stop",
    };

    private void Add(ReplyPart part)
    {
        switch (part)
        {
            case ContentPart content:
                _content.Append(content.Text);
                break;
            case ReasoningPart reasoning:
                _reasoning.Append(reasoning.Text);
                break;
            case ToolCallEnd end:
                _calls.Add(new CalledTool(end.Call.Id, new CalledFunction(end.Call.Name, end.Call.Arguments)));
                break;
            default:
                break;
        }
    }
}
