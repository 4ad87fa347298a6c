using CpuMoe.Chat;
using CpuMoe.Cli.Terminal;
using CpuMoe.Generation;
using CpuMoe.Serving;

namespace CpuMoe.Cli.Commands;

/// <summary>One reply of the model in a chat, complete or cut short by Ctrl-C.</summary>
/// <param name="Text">The thought, the answer and the calls.</param>
/// <param name="Finish">How it ended; null when cut short.</param>
/// <param name="Timings">Counts and times.</param>
internal sealed record ChatTurn(ReplyCollector Text, ChatFinish? Finish, GenerationTimings Timings)
{
    /// <summary>Whether Ctrl-C ended it.</summary>
    public bool WasInterrupted => Finish is null;

    /// <summary>Generates a reply; the first Ctrl-C ends it and keeps what there is.</summary>
    public static async Task<ChatTurn> GenerateAsync(ChatEngine engine, ChatRequest request, CliConsole console, ReplyPrinter printer)
    {
        using IDisposable interruption = console.Interrupts.Cancelling(out CancellationToken cancellation);
        ReplyCollector text = new();
        ChatFinish? finish = null;
        await using ChatReply reply = engine.Submit(request, cancellation);
        try
        {
            await foreach (ChatUpdate update in reply.WithCancellation(cancellation).ConfigureAwait(false))
            {
                text.Add(update.Parts);
                printer.Write(update.Parts);
                finish = update.Finish ?? finish;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // What there is counts.
        }

        printer.End();
        return new ChatTurn(text, finish, reply.Timings);
    }
}
