using System.CommandLine;
using System.Globalization;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Fitting;
using CpuMoe.Cli.Terminal;
using CpuMoe.Experts;
using CpuMoe.Fitting;
using CpuMoe.Gguf;
using CpuMoe.Models;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe fit</c>: which quantisation of a model runs here, and how well.</summary>
internal sealed class FitCommand : CliCommand
{
    private readonly Argument<string?> _model = new("MODEL") { Description = FitTarget.Form, Arity = ArgumentArity.ZeroOrOne };

    private readonly Option<int?> _context = NumberOption.Create<int>(
        "--ctx", "N", $"Tokens in the KV cache, for memory and for the speed of decode [{new FitOptions().ContextLength}, or what the model can]",
        n => n >= 1, "an integer of 1 or more", "-c");

    private readonly Option<string> _kvType = new Option<string>("--kv-type")
    {
        HelpName = "f16|q8_0|f32",
        Description = "Number format of the key/value cache [f16]",
    }.AcceptOnlyFrom("f16", "q8_0", "f32");

    private readonly Option<MemoryBudget?> _memory = MemoryOption.Create();

    private readonly Option<int?> _threads = NumberOption.Create<int>(
        "--threads", "T", "Worker threads; 0: one per physical core [0]", t => t is >= 0 and <= ModelOptions.MaxThreads, "an integer from 0 to 1024", "-t");

    private readonly Option<string?> _devices = new("--devices")
    {
        HelpName = "FILE",
        Description = "Also estimate other machines: those built in and, where FILE is given, its own: "
            + """{"devices": [{"name": "...", "memory": "128GiB", "bandwidth_gb_s": 89.6, "cores": 16, "disk_gb_s": 7}]}""",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _machine = new("--machine")
    {
        HelpName = "FILE",
        Description = "Take the figures of this machine from FILE, as --json writes them under machine, and measure nothing",
    };

    private readonly Option<bool> _json = JsonOption();

    public FitCommand(CliConsole console)
        : base(
            "fit",
            $"""
            Estimates for every quantisation of a model how much memory it needs and how fast it runs on this machine,
            without the model: its tensors and their types are known, the bandwidth of memory and disk and the speed of
            the kernels are measured, which takes about ten seconds. 'memory' holds all weights, the KV cache and the rest;
            with less, experts are read from the disk as they are needed, down to 'least'. The hit rate of experts is
            that of a usual text; a model that uses its experts evenly reads up to a third more. Prefill is that of a
            prompt of {FitEstimator.PromptTokens} tokens.

            Grades, by decode and prefill with the memory there is, of which the worse counts, in tokens per second:
            {Thresholds()}, F below or where it does not run. Reading takes about 5.

            Of other machines a core is taken to be as fast as one of this machine, and memory to give
            {Device.BandwidthShare:P0} of its peak.
            """,
            console,
            "cpumoe fit glm-4.5-air",
            "cpumoe fit model.gguf --memory 16GiB --ctx 32768 --kv-type q8_0",
            "cpumoe fit glm-4.5 --devices machines.json --json")
    {
        Arguments.Add(_model);
        foreach (Option option in (Option[])[_context, _kvType, _memory, _threads, _devices, _machine, _json])
        {
            Options.Add(option);
        }

        this.Exclude(_machine, _threads);
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        using IDisposable interruption = Terminal.Interrupts.Cancelling(out CancellationToken cancellation);
        IReadOnlyList<Device> devices = ReadDevices(arguments);
        MachineProfile? given = arguments.GetValue(_machine) is { } file ? MachineProfile.Parse(CliConsole.ReadFile(ModelFileArgument.CheckExists(file)), file) : null;
        FitTarget[] targets = FitTarget.Find(arguments.GetValue(_model), Terminal);
        try
        {
            int context = Context(arguments, targets);
            MachineProfile machine = given ?? Measure(targets, arguments.GetValue(_threads) ?? 0, cancellation);
            KvType kvType = arguments.GetValue(_kvType) switch
            {
                "q8_0" => KvType.Q8_0,
                "f32" => KvType.F32,
                _ => KvType.F16,
            };
            var options = new FitOptions { ContextLength = context, KvType = kvType };
            long memory = arguments.GetValue(_memory) is { IsAuto: false } budget ? budget.Resolve() : machine.MemoryBytes;
            (MachineProfile Machine, long Memory)[] machines =
                [(machine, memory), .. devices.Select(device => device.ToMachine(machine)).Select(device => (device, device.MemoryBytes))];
            FitOutput output = new(
                machine, context, arguments.GetValue(_kvType) ?? "f16", FitEstimator.PromptTokens, [.. targets.Select(target => Estimate(target, machines, options))]);
            if (arguments.GetValue(_json))
            {
                WriteJson(output, JsonOutput.Readable.FitOutput);
            }
            else
            {
                FitTables.Write(output, Terminal);
            }

            return ExitCodes.Success;
        }
        finally
        {
            Array.ForEach(targets, target => target.Dispose());
        }
    }

    private static string Thresholds() => string.Join(
        ", ", GradeThreshold.All.Select(grade => string.Create(CultureInfo.InvariantCulture, $"{grade.Grade} {grade.Decode} and {grade.Prefill}")));

    private static FitModelOutput Estimate(FitTarget target, (MachineProfile Machine, long Memory)[] machines, FitOptions options)
    {
        IReadOnlyList<FitCandidate> candidates = target.Candidates();
        return new FitModelOutput(target.Model.Name, target.Model.ParameterCount, [.. machines.Select(machine =>
        {
            var estimator = new FitEstimator(machine.Machine, options with { MemoryBytes = machine.Memory });
            return new FitMachineOutput(
                machine.Machine.Name,
                machine.Memory == long.MaxValue ? null : machine.Memory,
                [.. candidates.Select(candidate => FitRowOutput.From(candidate.Quantization, candidate.IsFile, estimator.Estimate(candidate.Model)))]);
        })]);
    }

    private IReadOnlyList<Device> ReadDevices(ParseResult arguments) =>
        arguments.GetResult(_devices) is null or { Implicit: true } ? []
        : arguments.GetValue(_devices) is { } file ? [.. Device.BuiltIn, .. Device.Parse(CliConsole.ReadFile(ModelFileArgument.CheckExists(file)), file)]
        : Device.BuiltIn;

    private int Context(ParseResult arguments, FitTarget[] targets)
    {
        int longest = targets.Min(target => target.Model.ContextLength);
        return arguments.GetValue(_context) is not { } asked ? Math.Min(new FitOptions().ContextLength, longest)
            : asked <= longest ? asked
            : throw new CliException($"--ctx {asked} is more than the {longest} tokens of the model");
    }

    private MachineProfile Measure(FitTarget[] targets, int threads, CancellationToken cancellation)
    {
        Terminal.Notice("measuring this machine");
        using DiskProbeFile? other = targets is [{ File: not null }] ? null : DiskProbeFile.Open(Terminal);
        GgmlType[] types = [.. targets.SelectMany(target => target.Candidates()).SelectMany(candidate => candidate.Model.MatrixTypes).Distinct()];
        return MachineProbe.Measure(types, threads, other is null ? targets[0].File : other.File, cancellation);
    }
}
