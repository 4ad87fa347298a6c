using System.CommandLine;
using System.Globalization;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Gguf;
using CpuMoe.Text;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe detokenize</c>: ids to text.</summary>
internal sealed class DetokenizeCommand : CliCommand
{
    private readonly ModelFileArgument _model;

    private readonly Argument<string[]> _ids = new("IDS")
    {
        Description = "Token ids, separated by spaces or commas; - reads standard input",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> _json = JsonOption();

    public DetokenizeCommand(CliConsole console)
        : base(
            "detokenize", "Prints the text of token ids, special tokens included.", console,
            "cpumoe detokenize -m model.gguf 310 268 264",
            "cpumoe tokenize -m model.gguf \"Hello\" | cpumoe detokenize -m model.gguf -")
    {
        _model = new ModelFileArgument(this);
        Options.Add(_json);
        Arguments.Add(_ids);
        _ids.Validators.Add(result =>
        {
            foreach (string word in result.Tokens.SelectMany(token => Words(token.Value)).Where(word => word != "-" && !TryParse(word, out _)))
            {
                result.AddError(NotAnId(word));
            }
        });
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        using GgufFile file = GgufFile.Open(_model.Read(arguments, Terminal));
        Tokenizer tokenizer = Tokenizer.FromGguf(file.Metadata);
        IEnumerable<string> words = arguments.GetRequiredValue(_ids).SelectMany(text => Words(PromptText.Read(text, Terminal)));
        int[] ids = [.. words.Select(word => TryParse(word, out int id) ? id : throw new CliException(NotAnId(word)))];
        foreach (int id in ids)
        {
            if (id >= tokenizer.Vocabulary.Count)
            {
                throw new CliException($"the model has no token {id}; its ids are 0 to {tokenizer.Vocabulary.Count - 1}");
            }
        }

        string text = tokenizer.Decode(ids, showControl: true);
        if (arguments.GetValue(_json))
        {
            WriteJson(new TextOutput(text), JsonOutput.Readable.TextOutput);
        }
        else
        {
            Terminal.Out.WriteLine(text);
        }

        return ExitCodes.Success;
    }

    private static string[] Words(string text) => text.Split([' ', ',', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries);

    private static bool TryParse(string word, out int id) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out id);

    private static string NotAnId(string word) => $"a token id must be an integer of 0 or more, not '{word}'";
}
