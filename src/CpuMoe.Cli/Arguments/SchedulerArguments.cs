using System.CommandLine;
using CpuMoe.Experts;
using CpuMoe.Generation;
using CpuMoe.Serving;

namespace CpuMoe.Cli.Arguments;

/// <summary>The options that say how many requests run, how many wait, and what is kept of prompts.</summary>
internal sealed class SchedulerArguments
{
    private const int MaxSeconds = 24 * 60 * 60;

    private static readonly SchedulerOptions Defaults = new();

    private readonly ModelArguments _model;

    private readonly Option<int?> _slots = NumberOption.Create<int>(
        "--slots", "N", $"Requests that run at the same time, each with a context of its own [{Defaults.Slots}]", n => n is >= 1 and <= 256, "an integer from 1 to 256");

    private readonly Option<int?> _queue = NumberOption.Create<int>(
        "--queue", "N", $"Requests that may wait; more are refused [{Defaults.QueueLength}]", n => n is >= 0 and <= 65536, "an integer from 0 to 65536");

    private readonly Option<double?> _queueTime = TimeLimit("--queue-timeout", "The longest wait for a slot; then the request is answered with an error [none]");

    private readonly Option<double?> _slotTime = TimeLimit("--answer-timeout", "The longest time for an answer, not counting the wait; then it ends where it is, as by its token limit [none]");

    private readonly Option<string?> _cacheFolder = new("--prompt-cache")
    {
        HelpName = "DIR",
        Description = "A folder that keeps the states of prompts over restarts; they tell what the prompts were",
    };

    private readonly Option<long?> _cacheSize = new("--prompt-cache-size")
    {
        HelpName = "SIZE",
        Description = $"The most that the prompt cache takes on the disk [{Defaults.PromptCacheBytes >> 30}GiB]",
        CustomParser = result =>
        {
            string text = result.Tokens[^1].Value;
            if (MemorySize.TryParse(text, out long bytes))
            {
                return bytes;
            }

            result.AddError($"--prompt-cache-size must be {MemorySize.Form}, not '{text}'");
            return null;
        },
    };

    /// <summary>Adds the options to a command.</summary>
    public SchedulerArguments(Command command)
    {
        foreach (Option option in (Option[])[_slots, _queue, _queueTime, _slotTime, _cacheFolder, _cacheSize])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (result.GetResult(_cacheSize) is { Implicit: false } && result.GetResult(_cacheFolder) is null)
            {
                result.AddError("--prompt-cache-size needs --prompt-cache");
            }
        });
        _model = new ModelArguments(command, 1, "Tokens of a slot, prompt and answer [of the model, at most 8192]");
    }

    /// <summary>Opens the model.</summary>
    public LanguageModel Load(ParseResult arguments, Terminal.CliConsole console) => _model.Load(arguments, console);

    /// <summary>What the user chose.</summary>
    public SchedulerOptions Read(ParseResult arguments, LanguageModel model) => new()
    {
        Slots = arguments.GetValue(_slots) ?? Defaults.Slots,
        QueueLength = arguments.GetValue(_queue) ?? Defaults.QueueLength,
        MaxQueueTime = Seconds(arguments.GetValue(_queueTime)),
        MaxSlotTime = Seconds(arguments.GetValue(_slotTime)),
        ContextLength = _model.ContextLength(arguments, model) ?? Defaults.ContextLength,
        KvType = _model.KvType(arguments),
        PromptCacheFolder = arguments.GetValue(_cacheFolder),
        PromptCacheBytes = arguments.GetValue(_cacheSize) ?? Defaults.PromptCacheBytes,
    };

    private static Option<double?> TimeLimit(string name, string description) =>
        NumberOption.Create<double>(name, "SECONDS", description, n => n is > 0 and <= MaxSeconds, $"a number of seconds above 0 and at most {MaxSeconds}");

    private static TimeSpan? Seconds(double? seconds) => seconds is { } s ? TimeSpan.FromSeconds(s) : null;
}
