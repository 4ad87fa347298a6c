using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Experts;
using CpuMoe.Gguf;
using CpuMoe.Quantization;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe quantize</c>: writes a model in smaller number formats.</summary>
internal sealed class QuantizeCommand : CliCommand
{
    private readonly Argument<string> _input = new("IN") { Description = "A GGUF file in F32, F16, BF16 or Q8_0; of a split model its first part" };

    private readonly Argument<string> _output = new("OUT") { Description = "The file to write; with --split the name without the numbers" };

    private readonly Argument<QuantMix> _mix = new("TYPE")
    {
        Description = string.Join(", ", QuantMix.All.Select(mix => mix.Name)),
        CustomParser = ParseMix,
    };

    private readonly Option<TensorTypeRule[]> _rules = new("--tensor-type")
    {
        HelpName = "REGEX=TYPE",
        Description = $"Another type for the matrices whose name the regular expression finds; the last that does holds. Types: {TypeNames}",
        CustomParser = ParseRules,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<long?> _split = new("--split")
    {
        HelpName = "SIZE",
        Description = "Write a set of files of at most SIZE bytes each, such as 40GB",
        CustomParser = ParseSize,
    };

    private readonly Option<int?> _threads = NumberOption.Create<int>("--threads", "N", "Threads [one per physical core]", n => n >= 1, "1 or more", "-t");

    private readonly Option<bool> _force = new("--force") { Description = "Replace files of the same name" };

    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Show the types and sizes and write nothing" };

    public QuantizeCommand(CliConsole console)
        : base(
            "quantize",
            """
            Writes a model in smaller number formats, with the types that llama-quantize gives each tensor. Needs little
            memory for models of any size. The result appears under its name when it is whole; an interruption leaves
            nothing.
            """,
            console,
            "cpumoe quantize model-F16.gguf model-Q4_K_M.gguf Q4_K_M",
            "cpumoe quantize GLM-4.5-Air-BF16-00001-of-00005.gguf GLM-4.5-Air-Q5_K_M.gguf Q5_K_M --split 40GB",
            "cpumoe quantize model-F16.gguf model-Q2_K.gguf Q2_K --tensor-type attn_[kv]=Q8_0 --tensor-type attn_output=Q5_K",
            "cpumoe quantize model-F16.gguf model-Q3_K_M.gguf Q3_K_M --dry-run")
    {
        Array.ForEach([_input, _output, _mix], (Argument argument) => Arguments.Add(argument));
        Array.ForEach([_rules, _split, _threads, _force, _dryRun], (Option option) => Options.Add(option));
    }

    private static string TypeNames => string.Join(", ", ModelQuantizer.WritableTypes);

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        using GgufFile source = GgufFile.Open(ModelFileArgument.CheckExists(arguments.GetRequiredValue(_input)));
        ModelQuantizer quantizer = new(source, arguments.GetRequiredValue(_mix), arguments.GetValue(_rules) ?? []);
        if (arguments.GetValue(_dryRun))
        {
            PrintTypes(quantizer);
            return ExitCodes.Success;
        }

        QuantizationOptions options = new()
        {
            Threads = arguments.GetValue(_threads) ?? 0,
            MaxPartBytes = arguments.GetValue(_split),
            Overwrite = arguments.GetValue(_force),
        };
        using IDisposable interruption = Terminal.Interrupts.Cancelling(out CancellationToken cancellation);
        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<string> files;
        using (QuantizeProgress progress = new(Terminal))
        {
            files = quantizer.Write(arguments.GetRequiredValue(_output), options, progress.Report, cancellation);
        }

        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        string parts = files.Count == 1 ? "" : $" and {files.Count - 1} more";
        Terminal.Notice(string.Create(
            CultureInfo.InvariantCulture,
            $"wrote {files[0]}{parts}: {Bytes.Display(quantizer.ByteCount)} from {Bytes.Display(source.FileBytes)} in {elapsed.TotalSeconds:F1} s ({QuantizeProgress.Rate(source.FileBytes, elapsed)})"));
        return ExitCodes.Success;
    }

    private static QuantMix? ParseMix(ArgumentResult result)
    {
        string name = result.Tokens[^1].Value;
        if (!QuantMix.TryFind(name, out QuantMix? mix))
        {
            result.AddError($"TYPE must be {string.Join(", ", QuantMix.All.SkipLast(1).Select(mix => mix.Name))} or {QuantMix.All[^1].Name}, not '{name}'");
        }

        return mix;
    }

    private static TensorTypeRule[]? ParseRules(ArgumentResult result)
    {
        List<TensorTypeRule> rules = [];
        foreach (string text in result.Tokens.Select(token => token.Value))
        {
            int equals = text.LastIndexOf('=');
            if (equals <= 0 || !ModelQuantizer.WritableTypes.Any(type => Is(type, text[(equals + 1)..])))
            {
                result.AddError($"--tensor-type must be REGEX=TYPE with one of {TypeNames}, not '{text}'");
                return null;
            }

            try
            {
                rules.Add(new TensorTypeRule(new Regex(text[..equals], RegexOptions.NonBacktracking), ModelQuantizer.WritableTypes.First(type => Is(type, text[(equals + 1)..]))));
            }
            catch (Exception fault) when (fault is ArgumentException or NotSupportedException)
            {
                result.AddError($"--tensor-type: {fault.Message}");
                return null;
            }
        }

        return [.. rules];

        static bool Is(GgmlType type, string name) => type.ToString().Equals(name, StringComparison.OrdinalIgnoreCase);
    }

    private static long? ParseSize(ArgumentResult result)
    {
        string text = result.Tokens[^1].Value;
        if (MemorySize.TryParse(text, out long bytes))
        {
            return bytes;
        }

        result.AddError($"--split must be {MemorySize.Form}, not '{text}'");
        return null;
    }

    private void PrintTypes(ModelQuantizer quantizer)
    {
        TextTable types = new("Type", ">Tensors", ">Bytes", ">Size");
        foreach (IGrouping<GgmlType, QuantizedTensor> type in quantizer.Tensors.GroupBy(tensor => tensor.Type).OrderByDescending(type => type.Sum(tensor => tensor.ByteCount)))
        {
            Add(type.Key.ToString(), [.. type]);
        }

        Add("total", quantizer.Tensors);
        types.Write(Terminal);

        void Add(string name, IReadOnlyList<QuantizedTensor> tensors)
        {
            long bytes = tensors.Sum(tensor => tensor.ByteCount);
            types.Add(name, tensors.Count.ToString(CultureInfo.InvariantCulture), bytes.ToString(CultureInfo.InvariantCulture), Bytes.Display(bytes));
        }
    }
}
