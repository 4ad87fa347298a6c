using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Commands;

/// <summary>A sub-command of <c>cpumoe</c>.</summary>
internal abstract class CliCommand : Command
{
    protected CliCommand(string name, string description, CliConsole console, params string[] examples)
        : base(name, description)
    {
        Terminal = console;
        Examples = examples;
        SetAction(Execute);
    }

    /// <summary>Command lines for the help.</summary>
    public IReadOnlyList<string> Examples { get; }

    protected CliConsole Terminal { get; }

    /// <summary>Does the work; returns one of <see cref="ExitCodes"/>.</summary>
    protected abstract int Execute(ParseResult arguments);

    protected static Option<bool> JsonOption() => new("--json") { Description = "Write one JSON object to standard output" };

    protected void WriteJson<T>(T value, JsonTypeInfo<T> type) => Terminal.Out.WriteLine(JsonSerializer.Serialize(value, type));
}
