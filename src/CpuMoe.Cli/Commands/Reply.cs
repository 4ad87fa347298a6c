using CpuMoe.Chat;
using CpuMoe.Cli.Terminal;
using CpuMoe.Generation;
using CpuMoe.Text;

namespace CpuMoe.Cli.Commands;

/// <summary>The text that <c>run</c> generated, complete or cut short by Ctrl-C.</summary>
/// <param name="Text">The answer, or everything in raw mode.</param>
/// <param name="Reasoning">The thought before the answer; empty in raw mode.</param>
/// <param name="Calls">The tools that the model calls.</param>
/// <param name="Tokens">The ids generated, without the one that ended the generation.</param>
/// <param name="FinishReason"><see cref="FinishReason.None"/> when cut short.</param>
internal sealed record Reply(string Text, string Reasoning, IReadOnlyList<ToolCall> Calls, int[] Tokens, FinishReason FinishReason)
{
    /// <summary>Whether Ctrl-C ended it.</summary>
    public bool WasInterrupted => FinishReason == FinishReason.None;

    /// <summary>Generates after <paramref name="prompt"/>; the first Ctrl-C ends the reply and keeps what there is.</summary>
    /// <param name="session">The session; it evaluates only what is new in the prompt.</param>
    /// <param name="vocabulary">The tokens of the model.</param>
    /// <param name="prompt">The whole sequence.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="parser">Takes the reply apart; null where its text is taken as it is.</param>
    /// <param name="console">Where interrupts come from.</param>
    /// <param name="printer">Shows the reply while it is made; null where it is printed later.</param>
    public static Reply Generate(
        Session session, Vocabulary vocabulary, int[] prompt, GenerationOptions options, ReplyParser? parser, CliConsole console, ReplyPrinter? printer)
    {
        ReplyCollector text = new();
        List<int> tokens = [];
        FinishReason finish = FinishReason.None;
        using IDisposable interruption = console.Interrupts.Cancelling(out CancellationToken cancellation);
        try
        {
            foreach (GenerationUpdate update in session.Generate(prompt, options, cancellation))
            {
                finish = update.FinishReason;
                if (update.TokenId >= 0 && (finish != FinishReason.Stop || !vocabulary.EndOfGeneration.Contains(update.TokenId)))
                {
                    tokens.Add(update.TokenId);
                }

                Take(parser?.Append(update.Text) ?? (update.Text.Length > 0 ? [new ContentPart(update.Text)] : []));
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            finish = FinishReason.None;
        }

        Take(parser?.Flush(wasCut: finish != FinishReason.Stop) ?? []);
        printer?.End();
        return new Reply(text.Content, text.Reasoning, text.Calls, [.. tokens], finish);

        void Take(IReadOnlyList<ReplyPart> parts)
        {
            text.Add(parts);
            printer?.Write(parts);
        }
    }
}
