using CpuMoe.Text;

namespace CpuMoe.Synth;

/// <summary>A special token.</summary>
internal readonly record struct SpecialToken(string Text, TokenKind Kind);

/// <summary>What vocabularies of one model family have in common.</summary>
/// <param name="PreTokenizer">The value of <c>tokenizer.ggml.pre</c>.</param>
/// <param name="Specials">The special tokens in the order of their ids.</param>
/// <param name="Roles">Metadata keys of ids with a role, and the texts of their tokens.</param>
/// <param name="ChatTemplate">The Jinja source.</param>
internal sealed record VocabularyFamily(
    string PreTokenizer, IReadOnlyList<SpecialToken> Specials, IReadOnlyList<(string Key, string Text)> Roles, string ChatTemplate)
{
    /// <summary>GLM-4.5, ids 151329 to 151364 in the real models.</summary>
    public static VocabularyFamily Glm45 { get; } = new(
        "glm4",
        [
            .. Control("<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>"),
            .. Control("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
            .. Control("<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>"),
            .. Control("<|begin_of_audio|>", "<|end_of_audio|>", "<|begin_of_transcription|>", "<|end_of_transcription|>"),
            .. Control("<|code_prefix|>", "<|code_middle|>", "<|code_suffix|>"),
            .. UserDefined("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"),
            .. UserDefined("<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"),
            .. Control("/nothink", "<|begin_of_box|>", "<|end_of_box|>", "<|image|>", "<|video|>"),
        ],
        [
            (TokenizerKeys.Bos, "[gMASK]"),
            (TokenizerKeys.Eos, "<|endoftext|>"),
            (TokenizerKeys.Eot, "<|user|>"),
            (TokenizerKeys.Eom, "<|observation|>"),
            (TokenizerKeys.Unknown, "<|endoftext|>"),
            (TokenizerKeys.Padding, "<|endoftext|>"),
        ],
        ReadResource("glm-4.5.jinja"));

    /// <summary>Qwen3, ids 151643 to 151645 in the real models.</summary>
    public static VocabularyFamily Qwen3 { get; } = new(
        "qwen2",
        [.. Control("<|endoftext|>", "<|im_start|>", "<|im_end|>")],
        [
            (TokenizerKeys.Bos, "<|endoftext|>"),
            (TokenizerKeys.Eos, "<|im_end|>"),
            (TokenizerKeys.Padding, "<|endoftext|>"),
        ],
        """
        {%- for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}{% endfor %}
        {%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}
        """);

    private static IEnumerable<SpecialToken> Control(params string[] texts) => texts.Select(text => new SpecialToken(text, TokenKind.Control));

    private static IEnumerable<SpecialToken> UserDefined(params string[] texts) => texts.Select(text => new SpecialToken(text, TokenKind.UserDefined));

    private static string ReadResource(string name)
    {
        using StreamReader reader = new(typeof(VocabularyFamily).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
