namespace CpuMoe.Text;

/// <summary>The metadata keys of the tokenizer.</summary>
internal static class TokenizerKeys
{
    internal const string Model = "tokenizer.ggml.model";
    internal const string PreTokenizer = "tokenizer.ggml.pre";
    internal const string Tokens = "tokenizer.ggml.tokens";
    internal const string Kinds = "tokenizer.ggml.token_type";
    internal const string Scores = "tokenizer.ggml.scores";
    internal const string Merges = "tokenizer.ggml.merges";
    internal const string Bos = "tokenizer.ggml.bos_token_id";
    internal const string Eos = "tokenizer.ggml.eos_token_id";
    internal const string Eot = "tokenizer.ggml.eot_token_id";
    internal const string Eom = "tokenizer.ggml.eom_token_id";
    internal const string Unknown = "tokenizer.ggml.unknown_token_id";
    internal const string Padding = "tokenizer.ggml.padding_token_id";
    internal const string AddBos = "tokenizer.ggml.add_bos_token";
    internal const string ChatTemplate = "tokenizer.chat_template";
    internal const string AddSpacePrefix = "tokenizer.ggml.add_space_prefix";

    /// <summary>The value of <see cref="Model"/> for byte-level BPE.</summary>
    internal const string ByteLevelBpeModel = "gpt2";

    /// <summary>The value of <see cref="Model"/> for SentencePiece.</summary>
    internal const string SentencePieceModel = "llama";
}
