using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace CpuMoe.Cli.Arguments;

/// <summary>Options with a number and a range, checked while the arguments are parsed.</summary>
internal static class NumberOption
{
    /// <summary>An option whose value is null where it is not given.</summary>
    /// <param name="name">The name with its dashes.</param>
    /// <param name="helpName">The name of the value in the help.</param>
    /// <param name="description">The text of the help, without the range.</param>
    /// <param name="isValid">Whether a finite number is in range.</param>
    /// <param name="range">The range in words, for faults.</param>
    /// <param name="aliases">Other names.</param>
    public static Option<T?> Create<T>(string name, string helpName, string description, Func<T, bool> isValid, string range, params string[] aliases)
        where T : struct, INumber<T> => new(name, aliases)
        {
            HelpName = helpName,
            Description = description,
            CustomParser = result => Parse(result, name, isValid, range),
        };

    private static T? Parse<T>(ArgumentResult result, string name, Func<T, bool> isValid, string range)
        where T : struct, INumber<T>
    {
        string text = result.Tokens[^1].Value;
        if (!T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) || !T.IsFinite(value) || !isValid(value))
        {
            result.AddError($"{name} must be {range}, not '{text}'");
            return null;
        }

        return value;
    }
}
