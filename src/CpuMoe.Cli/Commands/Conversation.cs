using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Cli.Terminal;
using CpuMoe.Cli.Tools;
using CpuMoe.Grammars;
using CpuMoe.Serving;

namespace CpuMoe.Cli.Commands;

/// <summary>The messages of a chat, and what answers them.</summary>
/// <param name="console">Shows the replies.</param>
/// <param name="engine">Makes the replies.</param>
/// <param name="settings">How every reply is made; its messages are not looked at.</param>
/// <param name="tools">Carries calls out; null where the model has no tools.</param>
internal sealed class Conversation(CliConsole console, ChatEngine engine, ChatRequest settings, ToolBox? tools)
{
    /// <summary>How often the model may call tools for one message, before it must answer.</summary>
    public const int MaxRounds = 16;

    private readonly List<ChatMessage> _messages = [];

    /// <summary>The instructions before the first message, if any.</summary>
    public string? System { get; set; }

    /// <summary>Whether the model thinks before it answers; null leaves that to its template.</summary>
    public bool? Thinking { get; set; } = settings.Thinking;

    /// <summary>Whether thoughts are folded to one line.</summary>
    public bool FoldsThoughts { get; set; }

    /// <summary>The last reply; null before the first.</summary>
    public ChatTurn? LastTurn { get; private set; }

    /// <summary>Tokens that the conversation may have.</summary>
    public int ContextLength => engine.Scheduler.ContextLength;

    /// <summary>The tools that the model may call.</summary>
    public IReadOnlyList<ChatTool> Tools => tools?.Tools ?? [];

    /// <summary>The messages so far, without the instructions.</summary>
    public IReadOnlyList<ChatMessage> Messages => _messages;

    /// <summary>Forgets all messages; the instructions stay.</summary>
    public void Reset() => _messages.Clear();

    /// <summary>Takes the place of what was said by what was saved.</summary>
    public void Restore(IEnumerable<ChatMessage> messages)
    {
        _messages.Clear();
        _messages.AddRange(messages);
    }

    /// <summary>Adds a message of the user and shows the reply to it, after as many calls of tools as the model wants.</summary>
    public async Task SayAsync(string text)
    {
        int start = _messages.Count;
        _messages.Add(new(ChatRole.User, text));
        try
        {
            for (int round = 0; await AnswerAsync(start, mayCall: round < MaxRounds).ConfigureAwait(false); round++)
            {
            }
        }
        catch (PromptTooLongException fault)
        {
            Withdraw(start, $"the conversation has {fault.Tokens} tokens and leaves no room in a context of {fault.ContextLength}; /reset starts over");
        }
        catch (Exception fault) when (fault is ChatTemplateException or GrammarException or ArgumentException)
        {
            Withdraw(start, fault.Message);
        }
    }

    /// <summary>Adds a reply and the results of its calls; whether the model is to go on.</summary>
    private async Task<bool> AnswerAsync(int start, bool mayCall)
    {
        ChatRequest request = settings with
        {
            Messages = System is null ? [.. _messages] : [new(ChatRole.System, System), .. _messages],
            Tools = tools?.Definitions ?? [],
            ToolMode = mayCall ? ToolMode.Auto : ToolMode.None,
            Thinking = Thinking,
        };
        ChatTurn turn = LastTurn = await ChatTurn.GenerateAsync(engine, request, console, new ReplyPrinter(console) { FoldsThoughts = FoldsThoughts }).ConfigureAwait(false);
        ReplyCollector reply = turn.Text;
        if (reply.Content.Length == 0 && (turn.WasInterrupted || reply.Calls.Count == 0))
        {
            Withdraw(start, turn.WasInterrupted ? "stopped before an answer; the message is forgotten" : "the model gave no answer; the message is forgotten");
            return false;
        }

        _messages.Add(new(ChatRole.Assistant, reply.Content, reply.Reasoning) { ToolCalls = turn.WasInterrupted ? [] : reply.Calls });
        if (turn.WasInterrupted)
        {
            console.Notice("stopped");
            return false;
        }

        if (turn.Finish is { Reason: ChatFinishReason.Length, Usage: var usage } && (settings.Generation.MaxTokens <= 0 || usage.CompletionTokens < settings.Generation.MaxTokens))
        {
            console.Notice("the context is full; /reset starts over");
        }

        return reply.Calls.Count > 0 && await CallAsync(reply.Calls).ConfigureAwait(false);
    }

    /// <summary>Adds the results of calls; false where the user stopped them.</summary>
    private async Task<bool> CallAsync(IReadOnlyList<ToolCall> calls)
    {
        bool goesOn = true;
        foreach (ToolCall call in calls)
        {
            string result = "Error: the user stopped this call.";
            if (goesOn)
            {
                using IDisposable interruption = console.Interrupts.Cancelling(out CancellationToken cancellation);
                try
                {
                    result = await tools!.CallAsync(call, cancellation).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
                {
                    goesOn = false;
                    console.Notice("stopped");
                }
            }

            // Also what was stopped has a result: the conversation stays one that the template knows.
            _messages.Add(new(ChatRole.Tool, result) { ToolCallId = call.Id, ToolName = call.Name });
        }

        return goesOn;
    }

    // A user message without an answer would leave two in a row.
    private void Withdraw(int start, string why)
    {
        _messages.RemoveRange(start, _messages.Count - start);
        console.Notice(why);
    }
}
