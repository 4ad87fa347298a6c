using System.CommandLine;
using System.CommandLine.Parsing;
using CpuMoe.Diagnostics;
using CpuMoe.Gguf;

namespace CpuMoe.Cli.Arguments;

/// <summary>An option that names weight formats the engine computes with.</summary>
internal static class FormatsOption
{
    /// <summary>The option; empty where it is not given.</summary>
    public static Option<GgmlType[]> Create() => new("--format")
    {
        HelpName = "F",
        Description = $"A format to measure: {string.Join(", ", KernelProbe.Formats)} (repeatable) [all]",
        AllowMultipleArgumentsPerToken = true,
        CustomParser = Parse,
    };

    private static GgmlType[]? Parse(ArgumentResult result)
    {
        List<GgmlType> formats = [];
        foreach (Token token in result.Tokens)
        {
            GgmlType[] named = [.. KernelProbe.Formats.Where(format => format.ToString().Equals(token.Value, StringComparison.OrdinalIgnoreCase))];
            if (named.Length == 0)
            {
                result.AddError($"--format must be one of {string.Join(", ", KernelProbe.Formats)}, not '{token.Value}'");
                return null;
            }

            formats.Add(named[0]);
        }

        return [.. formats.Distinct()];
    }
}
