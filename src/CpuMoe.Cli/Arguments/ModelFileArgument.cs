using System.CommandLine;
using CpuMoe.Cli.Downloads;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Arguments;

/// <summary>The option that names the model file; without it the bundled demo model is used.</summary>
internal sealed class ModelFileArgument
{
    /// <summary>What may name a model, for the help.</summary>
    public const string Form = "A GGUF file, of a split model its first part; or what cpumoe pull got: hf:OWNER/REPO[:QUANT]";

    private readonly Option<string?> _model = new("-m", "--model")
    {
        HelpName = "MODEL",
        Description = $"{Form} [the bundled demo model, a toy]",
    };

    /// <summary>Adds the option to a command.</summary>
    public ModelFileArgument(Command command) => command.Options.Add(_model);

    /// <summary>The path of an existing file.</summary>
    public string Read(ParseResult arguments, CliConsole console)
    {
        if (arguments.GetValue(_model) is { } name)
        {
            return Locate(name);
        }

        string path = Path.Combine(AppContext.BaseDirectory, "models", "demo-Q4_K_M.gguf");
        if (!File.Exists(path))
        {
            throw new CliException($"no model was named with -m and the bundled one is missing: {path}");
        }

        console.Notice($"no model named with -m: using the bundled demo, a toy that knows very little ({path})");
        return path;
    }

    /// <summary>The path of an existing file, of a split model the first one.</summary>
    /// <param name="name">A path, or the name of a pulled model.</param>
    public static string Locate(string name) => ModelReference.IsReference(name)
        ? ModelStore.Open().Locate(ModelReference.Parse(name)) : CheckExists(name);

    /// <summary>Returns <paramref name="path"/> if there is a file.</summary>
    public static string CheckExists(string path) => File.Exists(path) ? path
        : throw new CliException(Directory.Exists(path) ? $"{path} is a folder, not a file" : $"no such file: {path}");
}
