using System.CommandLine;
using System.Globalization;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Diagnostics;
using CpuMoe.Gguf;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe kernels</c>: how fast the matrix products of each format are, beside the limits of the machine.</summary>
internal sealed class KernelsCommand : CliCommand
{
    private const int DefaultPatience = 200;

    private static readonly KernelShape[] Shapes =
        [new(1), new(1, InCache: true), new(8), new(32), new(128), new(512)];

    private readonly Option<GgmlType[]> _formats = FormatsOption.Create();

    private readonly Option<string> _isa = new Option<string>("--isa")
    {
        HelpName = "512|256|128|scalar",
        Description = "Only this instruction set: AVX-512, AVX2, NEON or SSE, or none [all that the machine has]",
    }.AcceptOnlyFrom(InstructionSets.Names);

    private readonly Option<int?> _threads = NumberOption.Create<int>(
        "--threads", "T", "Worker threads; 0: one per physical core [0]", t => t is >= 0 and <= 1024, "an integer from 0 to 1024", "-t");

    private readonly Option<int?> _patience = NumberOption.Create<int>(
        "--patience", "MS", $"How long a product may take no better time before its best counts [{DefaultPatience}]", ms => ms is > 0 and <= 60_000, "an integer from 1 to 60000");

    private readonly Option<string?> _svg = new("--svg") { HelpName = "FILE", Description = "Draw a roofline plot" };

    private readonly Option<bool> _json = JsonOption();

    public KernelsCommand(CliConsole console)
        : base(
            "kernels",
            """
            Measures the products of weights with activations for every format and instruction set, with weights that
            come from RAM (and, for decode, also from cache), beside the measured read bandwidth and the measured peak
            of byte products. An operation is one multiplication or one addition. Lesser instruction sets than that of
            the machine are measured in processes of their own.
            """,
            console,
            "cpumoe kernels",
            "cpumoe kernels --format Q4_K Q6_K --svg roofline.svg",
            "cpumoe kernels --isa 256 --json")
    {
        foreach (Option option in (Option[])[_formats, _isa, _threads, _patience, _svg, _json])
        {
            Options.Add(option);
        }
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        using IDisposable interruption = Terminal.Interrupts.Cancelling(out CancellationToken cancellation);
        GgmlType[] formats = arguments.GetValue(_formats) is { Length: > 0 } chosen ? chosen : [.. KernelProbe.Formats];
        int threads = arguments.GetValue(_threads) ?? 0;
        int patience = arguments.GetValue(_patience) ?? DefaultPatience;
        VectorPath[] paths = ChoosePaths(arguments.GetValue(_isa));
        List<KernelsOutput> parts = [];
        foreach (VectorPath path in paths)
        {
            parts.Add(path == KernelProbe.Path
                ? Measure(formats, threads, TimeSpan.FromMilliseconds(patience), cancellation)
                : KernelsProcess.Run(path, [.. formats.Select(format => format.ToString())], threads, patience, cancellation));
        }

        KernelsOutput output = new(
            parts[0].Threads, parts.Max(part => part.ReadBandwidthGbS), new(parts.SelectMany(part => part.IntegerPeakGopS)), [.. parts.SelectMany(part => part.Kernels)]);
        if (arguments.GetValue(_svg) is { } file)
        {
            File.WriteAllText(file, RooflinePlot.Draw(output));
        }

        if (arguments.GetValue(_json))
        {
            WriteJson(output, JsonOutput.Readable.KernelsOutput);
        }
        else
        {
            Print(output);
        }

        return ExitCodes.Success;
    }

    private static KernelsOutput Measure(GgmlType[] formats, int threads, TimeSpan patience, CancellationToken cancellation)
    {
        string isa = InstructionSets.NameOf(KernelProbe.Path);
        double bandwidth = MemoryBandwidth.Measure(threads, cancellation);
        double peak = IntegerPeak.Measure(threads, cancellation);
        List<KernelOutput> kernels = [];
        using KernelProbe probe = new(threads);
        foreach (GgmlType format in formats)
        {
            foreach (KernelShape shape in Shapes)
            {
                KernelRate rate = probe.Measure(format, shape, patience, cancellation);
                kernels.Add(new KernelOutput(
                    format.ToString(), isa, shape.Columns, shape.InCache ? "cache" : "ram", rate.BytesPerSecond / 1e9, rate.OperationsPerSecond / 1e9));
            }
        }

        return new KernelsOutput(probe.Threads, bandwidth / 1e9, new() { [isa] = peak / 1e9 }, [.. kernels]);
    }

    private VectorPath[] ChoosePaths(string? isa)
    {
        if (isa is not null)
        {
            VectorPath path = InstructionSets.PathOf(isa);
            return path <= KernelProbe.Path ? [path]
                : throw new CliException($"--isa {isa}: this machine, or the runtime as it was told, has only {InstructionSets.NameOf(KernelProbe.Path)}");
        }

        VectorPath[] paths = [.. InstructionSets.Names.Select(InstructionSets.PathOf).Where(path => path <= KernelProbe.Path)];
        if (paths.Length < InstructionSets.Names.Length)
        {
            Terminal.Notice($"left out, as this machine does not have them: {string.Join(", ", InstructionSets.Names[..^paths.Length])}");
        }

        return paths;
    }

    private void Print(KernelsOutput output)
    {
        TextTable table = new("format", "isa", ">decode GB/s", ">of RAM", ">in cache GB/s", ">prefill 8 GOP/s", ">32", ">128", ">512", ">of peak");
        foreach (IGrouping<(string Format, string Isa), KernelOutput> row in output.Kernels.GroupBy(kernel => (kernel.Format, kernel.Isa)))
        {
            KernelOutput[] kernels = [.. row];
            KernelOutput decode = kernels.First(kernel => kernel is { Columns: 1, Weights: "ram" });
            double[] prefill = [.. kernels.Where(kernel => kernel.Columns > 1).OrderBy(kernel => kernel.Columns).Select(kernel => kernel.GopS)];
            table.Add([
                row.Key.Format,
                row.Key.Isa,
                Text(decode.GbS),
                Percent(decode.GbS / output.ReadBandwidthGbS),
                Text(kernels.First(kernel => kernel.Weights == "cache").GbS),
                .. prefill.Select(Text),
                Percent(prefill.Max() / output.IntegerPeakGopS[row.Key.Isa])]);
        }

        table.Write(Terminal);
        string peaks = string.Join(", ", output.IntegerPeakGopS.Select(peak => $"{Text(peak.Value)} ({peak.Key})"));
        Terminal.Out.WriteLine($"\n{output.Threads} threads; read bandwidth {Text(output.ReadBandwidthGbS)} GB/s; peak of byte products in GOP/s: {peaks}");
    }

    private static string Text(double value) => value.ToString(value < 100 ? "F1" : "F0", CultureInfo.InvariantCulture);

    private static string Percent(double ratio) => (ratio * 100).ToString("F0", CultureInfo.InvariantCulture) + " %";
}
