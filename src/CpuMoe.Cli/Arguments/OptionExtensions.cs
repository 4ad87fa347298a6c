using System.CommandLine;

namespace CpuMoe.Cli.Arguments;

/// <summary>Checks that the parser lacks or words differently.</summary>
internal static class OptionExtensions
{
    /// <summary>Allows only the given words.</summary>
    public static Option<string> AcceptOnlyFrom(this Option<string> option, params string[] words)
    {
        option.CompletionSources.Add(words);
        option.Validators.Add(result =>
        {
            string value = result.Tokens.Count == 0 ? words[0] : result.Tokens[^1].Value;
            if (!words.Contains(value))
            {
                result.AddError($"{option.Name} must be {string.Join(", ", words[..^1])} or {words[^1]}, not '{value}'");
            }
        });
        return option;
    }

    /// <summary>Makes it a fault to give both options.</summary>
    public static void Exclude(this Command command, Option one, Option other) => command.Validators.Add(result =>
    {
        if (result.GetResult(one) is { Implicit: false } && result.GetResult(other) is { Implicit: false })
        {
            result.AddError($"{one.Name} and {other.Name} exclude each other");
        }
    });
}
