using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Diagnostics;
using CpuMoe.Experts;
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

    private readonly Option<bool> _generate = new("--generate")
    {
        Description = "Measure generation as it happens, from the disk where need be: a new prompt for each repetition, then tokens that the model chooses",
    };

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

            With --generate nothing is read or repeated before but by one untimed prompt and a few tokens; sampling
            (temperature 1, of the 40 most likely tokens, fixed seeds) is part of the times, and the bytes read from
            disks are counted. This is for models larger than memory.
            """,
            console,
            "cpumoe bench -m model.gguf",
            "cpumoe bench -m model.gguf -p 0 -n 64 --depth 4096 -r 3",
            "cpumoe bench -m model.gguf --threads 16 --kv-type q8_0 --json")
    {
        foreach (Option option in (Option[])[_prompt, _generated, _depth, _repetitions, _batch, _generate, _json])
        {
            Options.Add(option);
        }

        _model = new ModelArguments(this);
        this.Exclude(_generate, _depth);
        Validators.Add(result =>
        {
            if (IsZero(result.GetResult(_prompt)) && IsZero(result.GetResult(_generated)))
            {
                result.AddError("-p 0 and -n 0 leave nothing to measure");
            }
            else if (result.GetResult(_generate) is { Implicit: false } && IsZero(result.GetResult(_prompt)))
            {
                result.AddError("--generate needs a prompt: leave -p 0 out");
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

        Measurement measured = arguments.GetValue(_generate)
            ? Generate(model, prompt, generated, repetitions, _model.KvType(arguments), cancellation)
            : EvaluatePasses(model, depth, prompt, generated, repetitions, _model.KvType(arguments), cancellation);
        long activeBytes = ModelSummary.FromGguf(model.File)!.ActiveBytesPerToken;
        BenchOutput output = new(
            model.File.Path, model.Model.Threads, prompt, generated, depth, measured.Prefill, measured.Decode, activeBytes, measured.Bandwidth / 1e9,
            activeBytes * measured.Decode?.Median / measured.Bandwidth, measured.PeakMemory, model.LoadTime.TotalMilliseconds, measured.AllocatedBytesPerToken,
            PagingOutput.From(model.Model.ExpertStatistics, measured.Decode?.ReadBytesPerToken));
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
    internal static RateOutput Summarize(IEnumerable<double> rates)
    {
        double[] sorted = [.. rates.Order()];
        return new RateOutput((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, sorted[0], sorted[^1]);
    }

    /// <summary>The smallest of the values that <paramref name="percent"/> % of them do not exceed (nearest rank).</summary>
    internal static double Percentile(IEnumerable<double> values, int percent)
    {
        double[] sorted = [.. values.Order()];
        return sorted[Math.Max(0, (((sorted.Length * percent) + 99) / 100) - 1)];
    }

    private static DecodeOutput SummarizeDecode(PassTimes times, double? readBytes, double? stalledMs)
    {
        RateOutput rate = Summarize(times.Rates);
        return new DecodeOutput(rate.Median, rate.Min, rate.Max, Percentile(times.StepMs, 50), Percentile(times.StepMs, 99), readBytes, stalledMs);
    }

    private static Measurement Generate(LanguageModel model, int prompt, int generated, int repetitions, KvType kvType, CancellationToken cancellation)
    {
        using GenerationBenchmark benchmark = new(model, prompt, generated, kvType, cancellation);
        (PassTimes prefill, PassTimes decode) = benchmark.Run(repetitions);
        return new Measurement(
            Summarize(prefill.Rates) with { ReadBytesPerToken = benchmark.PrefillCost.ReadBytes, StalledMsPerToken = benchmark.PrefillCost.StalledMs },
            generated > 0 ? SummarizeDecode(decode, benchmark.DecodeCost.ReadBytes, benchmark.DecodeCost.StalledMs) : null,
            PeakMemory());
    }

    private Measurement EvaluatePasses(
        LanguageModel model, int depth, int prompt, int generated, int repetitions, KvType kvType, CancellationToken cancellation)
    {
        if (model.Model.ExpertStatistics is null)
        {
            WarnOfPaging(model);
            MappedPages.Touch(model.File, cancellation);
        }

        using Benchmark benchmark = new(model, depth, Math.Max(prompt, generated), kvType, cancellation);
        RateOutput? prefill = prompt > 0 ? Summarize(benchmark.Prefill(prompt, repetitions).Rates) : null;
        long allocated = 0;
        ExpertStatistics? before = model.Model.ExpertStatistics;
        PassTimes? times = generated > 0 ? benchmark.Decode(generated, repetitions, out allocated) : null;
        ExpertStatistics? after = model.Model.ExpertStatistics;
        double decoded = (double)generated * repetitions;
        DecodeOutput? decode = times is null ? null
            : SummarizeDecode(times, (after?.Reads.Bytes - before?.Reads.Bytes) / decoded, (after?.Stalled - before?.Stalled)?.TotalMilliseconds / decoded);

        // Before the bandwidth is measured: its buffer is not the model's.
        long peakMemory = PeakMemory();
        return new Measurement(
            prefill, decode, peakMemory, MemoryBandwidth.Measure(model.Model.Threads, cancellation),
            decode is null ? null : allocated / decoded);
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
        if (output.Prefill is { } prefill)
        {
            Add($"prefill {output.PromptTokens}{depth}", prefill.Median, prefill.Min, prefill.Max);
        }

        if (output.Decode is { } decode)
        {
            Add($"decode {output.GenTokens}{depth}", decode.Median, decode.Min, decode.Max);
        }

        rates.Write(Terminal);
        string bandwidth = output.ReadBandwidthGbS is { } measured ? string.Create(culture, $", read bandwidth {measured:F1} GB/s") : "";
        Terminal.Out.WriteLine($"\n{output.Threads} threads, active weights per token {Bytes.Display(output.ActiveBytesPerToken)}{bandwidth}");
        if (output.Decode is { } tokens)
        {
            if (output.WallRatio is { } ratio)
            {
                Terminal.Out.WriteLine(string.Create(
                    culture, $"decode reads {output.ActiveBytesPerToken * tokens.Median / 1e9:F1} GB/s of weights: {ratio:F2} of the bandwidth; {output.AllocatedBytesPerToken:F0} bytes allocated per token"));
            }

            string disk = tokens.ReadBytesPerToken is { } read ? $", {Bytes.Display((long)read)} from disks" : "";
            Terminal.Out.WriteLine(string.Create(culture, $"a token takes {tokens.P50Ms:F2} ms, one in 100 at least {tokens.P99Ms:F2} ms{disk}"));
        }

        if (output.Experts is { } experts)
        {
            Terminal.Out.WriteLine(experts.Summary());
        }

        Terminal.Out.WriteLine(string.Create(culture, $"loaded in {output.LoadMs:F0} ms, peak memory {Bytes.Display(output.PeakRssBytes)}"));

        void Add(string test, double median, double min, double max) =>
            rates.Add(test, median.ToString("F2", culture), min.ToString("F2", culture), max.ToString("F2", culture));
    }

    /// <summary>What one way of measuring found out.</summary>
    private sealed record Measurement(
        RateOutput? Prefill, DecodeOutput? Decode, long PeakMemory, double? Bandwidth = null, double? AllocatedBytesPerToken = null);
}
