using System.CommandLine;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Arguments;

/// <summary>The option that names the model file; without it the bundled demo model is used.</summary>
internal sealed class ModelFileArgument
{
    private readonly Option<string?> _model = new("-m", "--model")
    {
        HelpName = "MODEL",
        Description = "A GGUF file; of a split model its first part [the bundled demo model, a toy]",
    };

    /// <summary>Adds the option to a command.</summary>
    public ModelFileArgument(Command command) => command.Options.Add(_model);

    /// <summary>The path of an existing file.</summary>
    public string Read(ParseResult arguments, CliConsole console)
    {
        if (arguments.GetValue(_model) is { } path)
        {
            return CheckExists(path);
        }

        path = Path.Combine(AppContext.BaseDirectory, "models", "demo-Q4_K_M.gguf");
        if (!File.Exists(path))
        {
            throw new CliException($"no model was named with -m and the bundled one is missing: {path}");
        }

        console.Notice($"no model named with -m: using the bundled demo, a toy that knows very little ({path})");
        return path;
    }

    /// <summary>Returns <paramref name="path"/> if there is a file.</summary>
    public static string CheckExists(string path) => File.Exists(path) ? path
        : throw new CliException(Directory.Exists(path) ? $"{path} is a folder, not a file" : $"no such file: {path}");
}
