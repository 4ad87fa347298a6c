using System.Text;
using CpuMoe.Chat;
using CpuMoe.Cli.Terminal;
using CpuMoe.Generation;
using CpuMoe.Text;

namespace CpuMoe.Cli.Commands;

/// <summary>A generated text, complete or cut short by Ctrl-C.</summary>
/// <param name="Text">The answer, or everything in raw mode.</param>
/// <param name="Reasoning">The thought before the answer; empty in raw mode.</param>
/// <param name="Tokens">The ids generated, without the one that ended the generation.</param>
/// <param name="FinishReason"><see cref="FinishReason.None"/> when cut short.</param>
internal sealed record Reply(string Text, string Reasoning, int[] Tokens, FinishReason FinishReason)
{
    /// <summary>Whether Ctrl-C ended it.</summary>
    public bool WasInterrupted => FinishReason == FinishReason.None;

    /// <summary>Generates after <paramref name="prompt"/>; the first Ctrl-C ends the reply and keeps what there is.</summary>
    /// <param name="session">The session; it evaluates only what is new in the prompt.</param>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <param name="prompt">The whole sequence.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="promptText">
    /// The text of the prompt, whose end says whether the reply begins inside a thought; null where the text of the
    /// reply is taken as it is, without separating a thought.
    /// </param>
    /// <param name="console">Where interrupts come from.</param>
    /// <param name="printer">Shows the reply while it is made; null where it is printed later.</param>
    public static Reply Generate(
        Session session, Tokenizer tokenizer, int[] prompt, GenerationOptions options, string? promptText, CliConsole console, ReplyPrinter? printer)
    {
        StringBuilder text = new(), reasoning = new();
        List<int> tokens = [];
        ReasoningParser? parser = promptText is null ? null : new ReasoningParser(promptText);
        FinishReason finish = FinishReason.None;
        using IDisposable interruption = console.Interrupts.Cancelling(out CancellationToken cancellation);
        try
        {
            foreach (GenerationUpdate update in session.Generate(prompt, options, cancellation))
            {
                finish = update.FinishReason;
                if (update.TokenId >= 0 && (finish != FinishReason.Stop || !tokenizer.Vocabulary.EndOfGeneration.Contains(update.TokenId)))
                {
                    tokens.Add(update.TokenId);
                }

                Release(parser?.Append(update.Text) ?? new ReasoningDelta("", update.Text));
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            finish = FinishReason.None;
        }

        Release(parser?.Flush() ?? default);
        printer?.End();
        return new Reply(text.ToString(), reasoning.ToString(), [.. tokens], finish);

        void Release(ReasoningDelta delta)
        {
            reasoning.Append(delta.Reasoning);
            text.Append(delta.Content);
            printer?.Write(new ReasoningDelta(delta.Reasoning ?? "", delta.Content ?? ""));
        }
    }
}
