using System.CommandLine;
using CpuMoe.Chat.Templates;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Arguments;

/// <summary>The options that say whether the model thinks before it answers.</summary>
internal sealed class ThinkingArguments
{
    /// <summary>Adds the options to a command.</summary>
    public ThinkingArguments(Command command)
    {
        command.Options.Add(Think);
        command.Options.Add(NoThink);
        command.Options.Add(Budget);
        command.Exclude(Think, NoThink);
    }

    /// <summary>Asks for a thought.</summary>
    public Option<bool> Think { get; } = new("--think") { Description = "Let the model think before it answers (the default of most that can)" };

    /// <summary>Asks for none.</summary>
    public Option<bool> NoThink { get; } = new("--no-think") { Description = "Answer without thinking" };

    /// <summary>The most tokens of a thought.</summary>
    public Option<int?> Budget { get; } = NumberOption.Create<int>(
        "--think-budget", "N", "The most tokens of a thought; it is closed then and the answer begins [no limit]", n => n >= 0, "an integer of 0 or more");

    /// <summary>Whether no thought is wanted.</summary>
    public bool IsRefused(ParseResult arguments) => arguments.GetValue(NoThink);

    /// <summary>What was asked for; null leaves it to the chat template. A template that cannot do it is told of.</summary>
    public bool? Read(ParseResult arguments, ChatTemplate template, CliConsole console)
    {
        bool? thinking = arguments.GetValue(NoThink) ? false : arguments.GetValue(Think) ? true : null;
        if (thinking is not null && !template.KnowsThinking)
        {
            console.Notice("the chat template has no switch for thinking; the model does as it is used to");
        }

        return thinking;
    }
}
