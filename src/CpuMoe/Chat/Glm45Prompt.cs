using CpuMoe.Text;

namespace CpuMoe.Chat;

/// <summary>The prompt format of GLM-4.5 and GLM-4.6, as their own chat template renders it.</summary>
public static class Glm45Prompt
{
    /// <summary>Whether a template source is of this family.</summary>
    public static bool Matches(string chatTemplate) => throw new NotImplementedException();

    /// <summary>Renders a conversation up to the place where the assistant is to answer. User-supplied text is marked as not to be parsed for special tokens.</summary>
    public static IReadOnlyList<TextSegment> Render(IReadOnlyList<ChatMessage> messages, bool thinking) => throw new NotImplementedException();
}
