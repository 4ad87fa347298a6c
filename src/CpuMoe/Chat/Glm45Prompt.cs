using CpuMoe.Text;

namespace CpuMoe.Chat;

/// <summary>The prompt format of GLM-4.5 and GLM-4.6, as their own chat template renders it.</summary>
/// <remarks>
/// <code>
/// prompt    = "[gMASK]&lt;sop&gt;" turn* "&lt;|assistant|&gt;" ["\n&lt;think&gt;&lt;/think&gt;"]
/// system    = "&lt;|system|&gt;\n" text
/// user      = "&lt;|user|&gt;\n" text ["/nothink"]
/// assistant = "&lt;|assistant|&gt;\n&lt;think&gt;" reasoning "&lt;/think&gt;" ["\n" content]
/// tool      = ["&lt;|observation|&gt;"] "\n&lt;tool_response&gt;\n" text "\n&lt;/tool_response&gt;"
/// </code>
/// </remarks>
public static class Glm45Prompt
{
    private const string Prefix = "[gMASK]<sop>";
    private const string NoThink = "/nothink";
    private const string ThinkOpen = "<think>";
    private const string ThinkClose = "</think>";

    /// <summary>Whether a template source is of this family. GLM-4.7 begins alike but knows no <c>/nothink</c>.</summary>
    public static bool Matches(string chatTemplate) =>
        chatTemplate.StartsWith(Prefix, StringComparison.Ordinal)
        && chatTemplate.Contains("<arg_key>", StringComparison.Ordinal)
        && chatTemplate.Contains(NoThink, StringComparison.Ordinal);

    /// <summary>Renders a conversation up to the place where the assistant is to answer. User-supplied text is marked as not to be parsed for special tokens.</summary>
    /// <remarks>
    /// The text of every message counts as user-supplied, but for a <c>/nothink</c> at the end of a user message: typing
    /// it is how users of this model turn thinking off for a turn.
    /// </remarks>
    /// <param name="messages">The conversation, oldest message first.</param>
    /// <param name="thinking">Whether the model may think first. Otherwise every user turn ends with <c>/nothink</c> and the answer begins after an empty thought.</param>
    /// <exception cref="ArgumentException">A role that does not exist.</exception>
    public static IReadOnlyList<TextSegment> Render(IReadOnlyList<ChatMessage> messages, bool thinking)
    {
        SegmentList prompt = new();
        prompt.AddTemplate(Prefix);
        int lastUser = LastUser(messages);
        for (int i = 0; i < messages.Count; i++)
        {
            ChatMessage message = messages[i];
            switch (message.Role)
            {
                case ChatRole.System:
                    prompt.AddTemplate("<|system|>\n");
                    prompt.AddContent(message.Content);
                    break;
                case ChatRole.User:
                    AddUser(prompt, message.Content, thinking);
                    break;
                case ChatRole.Assistant:
                    // Thoughts are kept only since the last user message, between the tool calls of one answer.
                    AddAssistant(prompt, message, keepReasoning: i > lastUser);
                    break;
                case ChatRole.Tool:
                    AddTool(prompt, message.Content, isFirst: i == 0 || messages[i - 1].Role != ChatRole.Tool);
                    break;
                default:
                    throw new ArgumentException($"Message {i} has the role {message.Role}, which does not exist.", nameof(messages));
            }
        }

        prompt.AddTemplate("<|assistant|>");
        if (!thinking)
        {
            prompt.AddTemplate("\n" + ThinkOpen + ThinkClose);
        }

        return prompt.ToList();
    }

    private static int LastUser(IReadOnlyList<ChatMessage> messages)
    {
        int last = messages.Count - 1;
        while (last >= 0 && messages[last].Role != ChatRole.User)
        {
            last--;
        }

        return last;
    }

    private static void AddUser(SegmentList prompt, string text, bool thinking)
    {
        bool isSwitched = text.EndsWith(NoThink, StringComparison.Ordinal);
        prompt.AddTemplate("<|user|>\n");
        prompt.AddContent(isSwitched ? text[..^NoThink.Length] : text);
        if (isSwitched || !thinking)
        {
            prompt.AddTemplate(NoThink);
        }
    }

    private static void AddAssistant(SegmentList prompt, ChatMessage message, bool keepReasoning)
    {
        (string reasoning, string content) = message.Reasoning is null
            ? SplitInlineReasoning(message.Content)
            : (message.Reasoning, message.Content);
        prompt.AddTemplate("<|assistant|>\n" + ThinkOpen);
        if (keepReasoning)
        {
            prompt.AddContent(reasoning.Trim());
        }

        prompt.AddTemplate(ThinkClose);
        content = content.Trim();
        if (content.Length > 0)
        {
            prompt.AddTemplate("\n");
            prompt.AddContent(content);
        }
    }

    private static void AddTool(SegmentList prompt, string text, bool isFirst)
    {
        prompt.AddTemplate(isFirst ? "<|observation|>\n<tool_response>\n" : "\n<tool_response>\n");
        prompt.AddContent(text);
        prompt.AddTemplate("\n</tool_response>");
    }

    /// <summary>The thought stands before the first closing tag, after the last opening tag there; the text after the last closing tag.</summary>
    private static (string Reasoning, string Content) SplitInlineReasoning(string text)
    {
        int close = text.IndexOf(ThinkClose, StringComparison.Ordinal);
        if (close < 0)
        {
            return ("", text);
        }

        string before = text[..close];
        int open = before.LastIndexOf(ThinkOpen, StringComparison.Ordinal);
        string reasoning = open < 0 ? before : before[(open + ThinkOpen.Length)..];
        return (reasoning, text[(text.LastIndexOf(ThinkClose, StringComparison.Ordinal) + ThinkClose.Length)..]);
    }
}
