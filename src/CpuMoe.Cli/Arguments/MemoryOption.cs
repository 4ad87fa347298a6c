using System.CommandLine;
using System.CommandLine.Parsing;
using CpuMoe.Experts;

namespace CpuMoe.Cli.Arguments;

/// <summary>The option that bounds the memory of a model.</summary>
internal static class MemoryOption
{
    /// <summary>The option; null where it is not given.</summary>
    public static Option<MemoryBudget?> Create() => new("--memory")
    {
        HelpName = "SIZE|auto|unlimited",
        Description = "Memory that the model may keep resident, such as 12GiB; auto: what this machine or container has left, less a reserve [auto]",
        CustomParser = Parse,
    };

    private static MemoryBudget? Parse(ArgumentResult result)
    {
        string text = result.Tokens[^1].Value;
        if (MemoryBudget.TryParse(text, out MemoryBudget budget))
        {
            return budget;
        }

        result.AddError($"--memory must be {MemoryBudget.Form}, not '{text}'");
        return null;
    }
}
