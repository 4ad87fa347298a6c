using CpuMoe.Chat;
using CpuMoe.Chat.Templates;

namespace CpuMoe.Serving;

/// <summary>The beginning of a reply that the caller wrote: the last message of <see cref="ChatRequest.ContinueReply"/>.</summary>
internal static class ReplyBeginning
{
    /// <summary>The text.</summary>
    /// <exception cref="ArgumentException">It cannot be continued.</exception>
    public static string Of(ChatRequest request)
    {
        if (request.Messages is not [.., { Role: ChatRole.Assistant, ToolCalls.Count: 0, Reasoning: null } message] || message.Content.Trim().Length == 0)
        {
            throw Refusal("it must be a message of the assistant with text and without thoughts or calls");
        }

        if (request.Thinking == true || request.AnswerGrammar is not null || request.ToolMode == ToolMode.Required)
        {
            throw Refusal("neither a thought, a schema nor a required tool can begin within it");
        }

        // Most tokens begin with their space: behind one at the end, a model writes what it never read.
        return char.IsWhiteSpace(message.Content[^1]) ? throw Refusal("it must not end with white space") : message.Content.TrimStart();
    }

    /// <summary>The prompt up to the end of the text: templates close what is a message of the past to them.</summary>
    /// <exception cref="ArgumentException">The template shows the text in another form.</exception>
    public static RenderedPrompt Open(RenderedPrompt prompt, ChatRequest request)
    {
        string text = Of(request);
        int at = prompt.Text.LastIndexOf(text, StringComparison.Ordinal);
        return at >= 0 ? prompt.Truncate(at + text.Length) : throw Refusal("the chat template of this model changes its text");
    }

    private static ArgumentException Refusal(string why) => new($"The last message cannot be continued: {why}.");
}
