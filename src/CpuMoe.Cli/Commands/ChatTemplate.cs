using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Text;

namespace CpuMoe.Cli.Commands;

/// <summary>Turns conversations into prompts.</summary>
internal static class ChatTemplate
{
    /// <summary>Throws where the model's own template is not one that the engine renders.</summary>
    public static void Require(LanguageModel model)
    {
        if (!model.File.Metadata.TryGetString("tokenizer.chat_template", out string? template))
        {
            throw new CliException($"{model.File.Path} has no chat template; 'cpumoe run --raw' continues plain text without one");
        }

        if (!Glm45Prompt.Matches(template))
        {
            throw new CliException($"the chat template of {model.File.Path} is not that of GLM-4.5, the only one known so far; 'cpumoe run --raw' continues plain text without it");
        }
    }

    /// <summary>The ids of a conversation up to where the assistant is to answer.</summary>
    public static int[] Encode(LanguageModel model, IReadOnlyList<ChatMessage> messages, bool thinking) =>
        model.Tokenizer.Encode([.. Glm45Prompt.Render(messages, thinking)]);

    /// <summary>The ids of a plain text in which special tokens count, with a BOS if the model adds one.</summary>
    public static int[] EncodeRaw(Tokenizer tokenizer, string text)
    {
        int[] ids = tokenizer.Encode(text, parseSpecial: true);
        Vocabulary vocabulary = tokenizer.Vocabulary;
        return vocabulary.AddBos && (ids.Length == 0 || ids[0] != vocabulary.Bos) ? [vocabulary.Bos, .. ids] : ids;
    }
}
