using System.CommandLine;
using CpuMoe.Cli.Terminal;
using CpuMoe.Experts;
using CpuMoe.Generation;
using CpuMoe.Models;

namespace CpuMoe.Cli.Arguments;

/// <summary>The options that say which model runs and how, shared by the commands that evaluate tokens.</summary>
internal sealed class ModelArguments
{
    private readonly ModelFileArgument _file;

    private readonly Option<int?> _threads = NumberOption.Create<int>(
        "--threads", "T", "Worker threads; 0: one per physical core [0]", t => t is >= 0 and <= 1024, "an integer from 0 to 1024", "-t");

    private readonly Option<int?>? _contextLength;

    private readonly Option<string> _kvType = new Option<string>("--kv-type")
    {
        HelpName = "f16|q8_0|f32",
        Description = "Number format of the key/value cache [f16]",
    }.AcceptOnlyFrom("f16", "q8_0", "f32");

    private readonly Option<MemoryBudget?> _memory = MemoryOption.Create();

    private readonly Option<string> _expertTrace = new("--expert-trace")
    {
        HelpName = "FILE",
        Description = "Record which experts are used, for cpumoe experts",
    };

    private readonly Option<bool> _coldStart = new("--no-warm-start")
    {
        Description = "Neither read the experts that the last run wanted most nor remember them; matters only where experts are paged",
    };

    private readonly Option<string> _compute = new Option<string>("--compute")
    {
        HelpName = "fast|reference",
        Description = "fast: vector kernels on 8-bit activations; reference: scalar, what the file means, very slow [fast]",
    }.AcceptOnlyFrom("fast", "reference");

    /// <summary>Adds the options to a command that chooses the context itself.</summary>
    public ModelArguments(Command command)
    {
        _file = new ModelFileArgument(command);
        foreach (Option option in (Option[])[_threads, _kvType, _memory, _expertTrace, _coldStart, _compute])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Adds the options to a command.</summary>
    public ModelArguments(Command command, int smallestContext, string contextDescription)
        : this(command)
    {
        _contextLength = NumberOption.Create<int>(
            "--ctx", "N", contextDescription, n => n >= smallestContext, $"an integer of {smallestContext} or more", "-c");
        command.Options.Add(_contextLength);
    }

    /// <summary>The format of the KV cache.</summary>
    public KvType KvType(ParseResult arguments) => arguments.GetValue(_kvType) switch
    {
        "q8_0" => Models.KvType.Q8_0,
        "f32" => Models.KvType.F32,
        _ => Models.KvType.F16,
    };

    /// <summary>The chosen context length; null where none was given.</summary>
    /// <exception cref="CliException">It is longer than the model allows.</exception>
    public int? ContextLength(ParseResult arguments, LanguageModel model)
    {
        int? length = _contextLength is null ? null : arguments.GetValue(_contextLength);
        return length is null || length <= model.Model.ContextLength ? length
            : throw new CliException($"--ctx {length} is more than the {model.Model.ContextLength} tokens of the model");
    }

    /// <summary>Opens the model.</summary>
    public LanguageModel Load(ParseResult arguments, CliConsole console, int? batchSize = null)
    {
        ModelOptions defaults = new();
        LanguageModel model = LanguageModel.Load(_file.Read(arguments, console), defaults with
        {
            Threads = arguments.GetValue(_threads) ?? defaults.Threads,
            BatchSize = batchSize ?? defaults.BatchSize,
            MemoryBudget = arguments.GetValue(_memory) ?? defaults.MemoryBudget,
            ExpertTraceFile = arguments.GetValue(_expertTrace),
            WarmStartFolder = arguments.GetValue(_coldStart) ? null : CacheFolder.Find(),
            Compute = arguments.GetValue(_compute) == "reference" ? ComputePath.Reference : ComputePath.Fast,
        });
        foreach (string warning in model.Model.Warnings)
        {
            console.Notice($"warning: {warning}");
        }

        return model;
    }

    /// <summary>Creates a session with the chosen context and cache.</summary>
    public Session CreateSession(ParseResult arguments, LanguageModel model) => model.CreateSession(new SessionOptions
    {
        ContextLength = ContextLength(arguments, model) ?? 0,
        KvType = KvType(arguments),
    });
}
