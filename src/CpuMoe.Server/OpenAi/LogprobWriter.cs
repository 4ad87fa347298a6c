using System.Buffers;
using System.Text;
using CpuMoe.Generation;
using CpuMoe.Text;

namespace CpuMoe.Server.OpenAi;

/// <summary>Tells how likely tokens were: natural logarithms of probabilities before any step of the sampler.</summary>
internal static class LogprobWriter
{
    private const float Least = -9999; // JSON knows no infinity.

    /// <summary>A step for chat completions.</summary>
    public static LogprobEntry Describe(TokenLogprobs step, Tokenizer tokenizer)
    {
        (string token, int[] bytes) = Text(step.Chosen.TokenId, tokenizer);
        return new LogprobEntry(token, Value(step.Chosen), bytes, [.. step.Top.Select(top =>
        {
            (string text, int[] raw) = Text(top.TokenId, tokenizer);
            return new TopLogprob(text, Value(top), raw);
        })]);
    }

    /// <summary>The text of a token, control tokens included; incomplete characters are U+FFFD.</summary>
    public static string TextOf(int token, Tokenizer tokenizer) => tokenizer.Decode([token], showControl: true);

    /// <summary>A logarithm that JSON can tell.</summary>
    public static float Value(TokenLogprob token) => Math.Clamp(token.Logprob, Least, 0);

    private static (string Text, int[] Bytes) Text(int token, Tokenizer tokenizer)
    {
        ArrayBufferWriter<byte> bytes = new();
        tokenizer.AppendBytes(token, showControl: true, bytes);
        return (Encoding.UTF8.GetString(bytes.WrittenSpan), [.. bytes.WrittenSpan.ToArray()]);
    }
}
