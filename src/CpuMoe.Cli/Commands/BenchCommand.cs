using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Diagnostics;
using CpuMoe.Generation;
using CpuMoe.Models;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe bench</c>: how fast a model runs, and how near that is to what memory allows.</summary>
internal sealed class BenchCommand : CliCommand
{
    private const int DefaultPrompt = 512;
    private const int DefaultGenerated = 128;
    private const int DefaultRepetitions = 5;

    private readonly Option<int?> _prompt = NumberOption.Create<int>(
        "-p", "N", $"Tokens evaluated at once (prefill); 0 leaves it out [{DefaultPrompt}]", n => n >= 0, "an integer of 0 or more", "--n-prompt");

    private readonly Option<int?> _generated = NumberOption.Create<int>(
        "-n", "N", $"Tokens evaluated one by one (decode); 0 leaves it out [{DefaultGenerated}]", n => n >= 0, "an integer of 0 or more", "--n-gen");

    private readonly Option<int?> _depth = NumberOption.Create<int>(
        "--depth", "D", "Tokens in the KV cache before either [0]", n => n >= 0, "an integer of 0 or more", "-d");

    private readonly Option<int?> _repetitions = NumberOption.Create<int>(
        "-r", "R", $"Repetitions of each measurement [{DefaultRepetitions}]", n => n is > 0 and <= 1000, "an integer from 1 to 1000", "--repetitions");

    private readonly Option<int?> _batch = NumberOption.Create<int>(
        "--batch", "B", $"The most tokens in one pass over the weights [{new ModelOptions().BatchSize}]",
        n => n is > 0 and <= ModelOptions.MaxBatchSize, $"an integer from 1 to {ModelOptions.MaxBatchSize}", "-b");

    private readonly Option<bool> _json = JsonOption();

    private readonly ModelArguments _model;

    public BenchCommand(CliConsole console)
        : base(
            "bench",
            """
            Measures tokens per second like llama-bench: random tokens with a fixed seed, no sampling, each repetition
            from the same KV cache. Before, all pages of the file are read into memory and passes are repeated until
            they become no faster. The read bandwidth of the machine is measured afterwards with the same threads; the
            wall ratio is the part of it that decode uses: active bytes per token x tokens/s / bandwidth. Peak memory
            includes the mapped file.
            """,
            console,
            "cpumoe bench -m model.gguf",
            "cpumoe bench -m model.gguf -p 0 -n 64 --depth 4096 -r 3",
            "cpumoe bench -m model.gguf --threads 16 --kv-type q8_0 --json")
    {
        foreach (Option option in (Option[])[_prompt, _generated, _depth, _repetitions, _batch, _json])
        {
            Options.Add(option);
        }

        _model = new ModelArguments(this);
        Validators.Add(result =>
        {
            if (IsZero(result.GetResult(_prompt)) && IsZero(result.GetResult(_generated)))
            {
                result.AddError("-p 0 and -n 0 leave nothing to measure");
            }
        });

        // By its text: the value of an option that is no number cannot be asked for.
        static bool IsZero(OptionResult? option) => option?.Tokens is [.., { Value: "0" }];
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        int prompt = arguments.GetValue(_prompt) ?? DefaultPrompt;
        int generated = arguments.GetValue(_generated) ?? DefaultGenerated;
        int depth = arguments.GetValue(_depth) ?? 0;
        int repetitions = arguments.GetValue(_repetitions) ?? DefaultRepetitions;
        using IDisposable interruption = Terminal.Interrupts.Cancelling(out CancellationToken cancellation);
        using LanguageModel model = _model.Load(arguments, Terminal, arguments.GetValue(_batch));
        int longest = Math.Max(prompt, generated);
        if ((long)depth + longest > model.Model.ContextLength)
        {
            throw new CliException($"{depth} + {longest} tokens are more than the {model.Model.ContextLength} of the model; use a smaller --depth, -p or -n");
        }

        WarnOfPaging(model);
        MappedPages.Touch(model.File, cancellation);
        using Benchmark benchmark = new(model, depth, longest, _model.KvType(arguments), cancellation);
        RateOutput? prefill = prompt > 0 ? Summarize(benchmark.Prefill(prompt, repetitions)) : null;
        long allocated = 0;
        RateOutput? decode = generated > 0 ? Summarize(benchmark.Decode(generated, repetitions, out allocated)) : null;

        // Before the bandwidth is measured: its buffer is not the model's.
        long peakMemory = PeakMemory();
        double bandwidth = MemoryBandwidth.Measure(model.Model.Threads, cancellation);
        long activeBytes = ModelSummary.FromGguf(model.File)!.ActiveBytesPerToken;
        BenchOutput output = new(
            model.File.Path, model.Model.Threads, prompt, generated, depth, prefill, decode, activeBytes, bandwidth / 1e9,
            decode is null ? null : activeBytes * decode.Median / bandwidth,
            peakMemory, model.LoadTime.TotalMilliseconds,
            decode is null ? null : (double)allocated / ((long)generated * repetitions));
        if (arguments.GetValue(_json))
        {
            WriteJson(output, JsonOutput.Readable.BenchOutput);
        }
        else
        {
            Print(output);
        }

        return ExitCodes.Success;
    }

    /// <summary>Median, smallest and largest; of an even number the median is the mean of the middle two.</summary>
    internal static RateOutput Summarize(double[] rates)
    {
        double[] sorted = [.. rates.Order()];
        return new RateOutput((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, sorted[0], sorted[^1]);
    }

    private static long PeakMemory()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    private void WarnOfPaging(LanguageModel model)
    {
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (model.File.FileBytes > memory)
        {
            Terminal.Notice($"warning: the file ({Bytes.Display(model.File.FileBytes)}) is larger than memory ({Bytes.Display(memory)}): this measures the disk");
        }
    }

    private void Print(BenchOutput output)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        TextTable rates = new("test", ">tokens/s", ">min", ">max");
        string depth = output.Depth > 0 ? $" at {output.Depth}" : "";
        Add($"prefill {output.PromptTokens}{depth}", output.Prefill);
        Add($"decode {output.GenTokens}{depth}", output.Decode);
        rates.Write(Terminal);
        Terminal.Out.WriteLine(string.Create(
            culture, $"\n{output.Threads} threads, active weights per token {Bytes.Display(output.ActiveBytesPerToken)}, read bandwidth {output.ReadBandwidthGbS:F1} GB/s"));
        if (output.Decode is { } decode)
        {
            Terminal.Out.WriteLine(string.Create(
                culture, $"decode reads {output.ActiveBytesPerToken * decode.Median / 1e9:F1} GB/s of weights: {output.WallRatio:F2} of the bandwidth; {output.AllocatedBytesPerToken:F0} bytes allocated per token"));
        }

        Terminal.Out.WriteLine(string.Create(culture, $"loaded in {output.LoadMs:F0} ms, peak memory {Bytes.Display(output.PeakRssBytes)}"));

        void Add(string test, RateOutput? rate)
        {
            if (rate is not null)
            {
                rates.Add(test, rate.Median.ToString("F2", culture), rate.Min.ToString("F2", culture), rate.Max.ToString("F2", culture));
            }
        }
    }
}
