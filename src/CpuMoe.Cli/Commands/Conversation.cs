using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Cli.Terminal;
using CpuMoe.Generation;

namespace CpuMoe.Cli.Commands;

/// <summary>The messages of a chat and the session that holds their tokens.</summary>
internal sealed class Conversation(CliConsole console, LanguageModel model, ChatTemplate template, Session session, GenerationOptions options)
{
    private readonly List<ChatMessage> _messages = [];

    /// <summary>The instructions before the first message, if any.</summary>
    public string? System { get; set; }

    /// <summary>Whether the model thinks before it answers; null leaves that to its template.</summary>
    public bool? Thinking { get; set; }

    /// <summary>Counts and times of the last reply; null before the first.</summary>
    public GenerationTimings? LastTimings => session.LastTimings;

    /// <summary>Tokens in the cache, and how many fit.</summary>
    public (int Used, int Capacity) Context => (session.Tokens.Length, session.ContextLength);

    /// <summary>Forgets all messages; the instructions stay.</summary>
    public void Reset() => _messages.Clear();

    /// <summary>Adds a message of the user and shows the reply to it.</summary>
    public void Say(string text)
    {
        _messages.Add(new(ChatRole.User, text));
        IReadOnlyList<ChatMessage> messages = System is null ? _messages : [new(ChatRole.System, System), .. _messages];
        RenderedPrompt rendered;
        try
        {
            rendered = template.Render(messages, new PromptOptions { EnableThinking = Thinking });
        }
        catch (ChatTemplateException fault)
        {
            Withdraw(fault.Message);
            return;
        }

        int[] prompt = model.Tokenizer.Encode(rendered.Segments);
        if (prompt.Length == 0)
        {
            Withdraw("the chat template gives an empty prompt");
            return;
        }

        if (prompt.Length >= session.ContextLength)
        {
            Withdraw($"the conversation has {prompt.Length} tokens and leaves no room in a context of {session.ContextLength}; /reset starts over");
            return;
        }

        Reply reply = Reply.Generate(session, model.Tokenizer, prompt, options, rendered.Text, console, new ReplyPrinter(console));
        if (reply.Text.Length == 0)
        {
            Withdraw(reply.WasInterrupted ? "stopped before an answer; the message is forgotten" : "the model gave no answer; the message is forgotten");
            return;
        }

        _messages.Add(new(ChatRole.Assistant, reply.Text, reply.Reasoning));
        if (reply.WasInterrupted)
        {
            console.Notice("stopped");
        }
        else if (reply.FinishReason == FinishReason.Context)
        {
            console.Notice("the context is full; /reset starts over");
        }
    }

    // A user message without an answer would leave two in a row.
    private void Withdraw(string why)
    {
        _messages.RemoveAt(_messages.Count - 1);
        console.Notice(why);
    }
}
