using System.CommandLine;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Gguf;
using CpuMoe.Text;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe tokenize</c>: text to ids.</summary>
internal sealed class TokenizeCommand : CliCommand
{
    private readonly ModelFileArgument _model;

    private readonly Argument<string> _text = new("TEXT") { Description = "The text; - reads standard input, exactly as it is" };

    private readonly Option<bool> _noSpecial = new("--no-special") { Description = "Take special tokens in the text as plain text" };

    private readonly Option<bool> _json = JsonOption();

    public TokenizeCommand(CliConsole console)
        : base(
            "tokenize", "Prints the token ids of a text.", console,
            "cpumoe tokenize -m model.gguf \"Hello, world\"",
            "cpumoe tokenize -m model.gguf --json - < text.txt")
    {
        _model = new ModelFileArgument(this);
        Options.Add(_noSpecial);
        Options.Add(_json);
        Arguments.Add(_text);
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        using GgufFile file = GgufFile.Open(_model.Read(arguments, Terminal));
        Tokenizer tokenizer = Tokenizer.FromGguf(file.Metadata);
        string text = PromptText.Read(arguments.GetRequiredValue(_text), Terminal);
        int[] ids = tokenizer.Encode(text, parseSpecial: !arguments.GetValue(_noSpecial));
        if (arguments.GetValue(_json))
        {
            string[] pieces = [.. ids.Select(id => tokenizer.Decode([id], showControl: true))];
            WriteJson(new TokensOutput(ids, pieces), JsonOutput.Readable.TokensOutput);
        }
        else
        {
            Terminal.Out.WriteLine(string.Join(' ', ids));
        }

        return ExitCodes.Success;
    }
}
