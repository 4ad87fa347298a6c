using System.CommandLine;
using CpuMoe.Cli.Terminal;
using CpuMoe.Grammars;

namespace CpuMoe.Cli.Arguments;

/// <summary>The options that say what form the answer must have.</summary>
internal sealed class GrammarArguments
{
    private readonly Option<string?> _grammar = new("--grammar-file") { HelpName = "FILE", Description = "Answer only with texts of a grammar in GBNF, the format of llama.cpp" };

    private readonly Option<string?> _schema = new("--json-schema")
    {
        HelpName = "SCHEMA",
        Description = "Answer only with JSON that a JSON schema accepts; the schema itself ({...}) or the name of its file",
    };

    /// <summary>Adds the options to a command.</summary>
    public GrammarArguments(Command command)
    {
        command.Options.Add(_grammar);
        command.Options.Add(_schema);
        command.Exclude(_grammar, _schema);
    }

    /// <summary>The grammar that the user chose, or null.</summary>
    public Grammar? Read(ParseResult arguments) =>
        arguments.GetValue(_grammar) is { } path ? Parse(_grammar, path, CliConsole.ReadFile(ModelFileArgument.CheckExists(path)), Grammar.FromGbnf)
            : arguments.GetValue(_schema) is not { } schema ? null
            : schema.AsSpan().TrimStart().StartsWith("{") ? Parse(_schema, null, schema, text => Grammar.FromJsonSchema(text))
            : Parse(_schema, schema, CliConsole.ReadFile(ModelFileArgument.CheckExists(schema)), text => Grammar.FromJsonSchema(text));

    private static Grammar Parse(Option option, string? path, string text, Func<string, Grammar> parse)
    {
        try
        {
            return parse(text);
        }
        catch (GrammarException fault)
        {
            throw new CliException($"{option.Name}: {(path is null ? "" : path + ": ")}{fault.Message}");
        }
    }
}
