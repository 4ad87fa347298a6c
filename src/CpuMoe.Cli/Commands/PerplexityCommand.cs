using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Generation;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe perplexity</c>: how well a model predicts a text.</summary>
internal sealed class PerplexityCommand : CliCommand
{
    private readonly Option<string> _file = new("-f", "--file") { HelpName = "FILE", Description = "The text, UTF-8", Required = true };

    private readonly Option<string?> _logits = new("--logits-out")
    {
        HelpName = "FILE",
        Description = "Write the logits of all scored positions, in order: F32, little endian, [positions][vocabulary]",
    };

    private readonly Option<bool> _json = JsonOption();

    private readonly ModelArguments _model;

    public PerplexityCommand(CliConsole console)
        : base(
            "perplexity",
            """
            Measures how well a model predicts a text, by the protocol of llama-perplexity: chunks of --ctx tokens, each
            from an empty cache, only the second half of each scored, an incomplete last chunk dropped. Special tokens
            in the text are plain text. The text needs at least --ctx tokens (llama-perplexity wants twice as many).
            """,
            console,
            "cpumoe perplexity -m model.gguf -f wiki.test.raw",
            "cpumoe perplexity -m model.gguf -f text.txt --ctx 2048 --kv-type q8_0 --json",
            "cpumoe perplexity -m model.gguf -f text.txt --compute reference --logits-out logits.f32")
    {
        foreach (Option option in (Option[])[_file, _logits, _json])
        {
            Options.Add(option);
        }

        _model = new ModelArguments(this, PerplexityOptions.SmallestContext, "Tokens per chunk [512]");
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        string text = CliConsole.ReadFile(ModelFileArgument.CheckExists(arguments.GetRequiredValue(_file)));
        using LanguageModel model = _model.Load(arguments, Terminal);
        PerplexityOptions defaults = new();
        PerplexityOptions options = defaults with
        {
            ContextLength = _model.ContextLength(arguments, model) ?? Math.Min(defaults.ContextLength, model.Model.ContextLength),
            KvType = _model.KvType(arguments),
        };
        options = options.ForTokenizer(model.Tokenizer);
        int[] tokens = Perplexity.Encode(model.Tokenizer, text);
        if (tokens.Length < options.ContextLength)
        {
            throw new CliException($"the text has {tokens.Length} tokens, fewer than one chunk of {options.ContextLength}; use a longer text or a smaller --ctx");
        }

        using Stream? logits = arguments.GetValue(_logits) is { } path ? File.Create(path) : null;
        using IDisposable interruption = Terminal.Interrupts.Cancelling(out CancellationToken cancellation);
        using ChunkProgress progress = new(Terminal, tokens.Length / options.ContextLength);
        PerplexityResult result = Perplexity.Evaluate(model.Model, tokens, options, Observe, cancellation);
        progress.Dispose();
        if (arguments.GetValue(_json))
        {
            WriteJson(new PerplexityOutput(result.Value, result.StandardError, result.Tokens, result.Chunks), JsonOutput.Readable.PerplexityOutput);
        }
        else
        {
            Terminal.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"perplexity {result.Value:F4} +/- {result.StandardError:F4} ({result.Tokens} tokens in {result.Chunks} chunks of {options.ContextLength})"));
        }

        return ExitCodes.Success;

        void Observe(PerplexityResult soFar, ReadOnlySpan<float> rows)
        {
            logits?.Write(MemoryMarshal.AsBytes(rows));
            progress.Report(soFar);
        }
    }
}
