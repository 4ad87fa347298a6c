using System.CommandLine;
using CpuMoe.Cli.Downloads;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe rm</c>: deletes a model that was pulled.</summary>
internal sealed class RemoveCommand : CliCommand
{
    private readonly Argument<string> _name = new("NAME") { Description = "A name that cpumoe list shows" };

    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Do not ask; only a terminal is asked at all" };

    public RemoveCommand(CliConsole console)
        : base(
            "rm", "Deletes all files of a pulled model, also of one that was not pulled to its end.", console,
            "cpumoe rm hf:unsloth/GLM-4.5-Air-GGUF:Q4_K_M",
            "cpumoe rm hf:unsloth/GLM-4.5-Air-GGUF:Q4_K_M --yes")
    {
        Arguments.Add(_name);
        Options.Add(_yes);
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        ModelReference reference = ModelReference.Parse(arguments.GetRequiredValue(_name));
        ModelStore store = ModelStore.Open();
        PulledModel model = store.FindOne(reference);
        string what = $"{model.Reference} ({(model.Files.Length == 1 ? "1 file" : $"{model.Files.Length} files")}, {Bytes.Display(model.Model.Bytes)})";
        if (Terminal.InIsTerminal && !arguments.GetValue(_yes) && !Confirm(what))
        {
            Terminal.Notice("nothing was removed");
            return ExitCodes.Failure;
        }

        using (store.Lock(model.Reference, model.Model))
        {
            store.Remove(model);
        }

        Terminal.Notice($"removed {what}");
        return ExitCodes.Success;
    }

    private bool Confirm(string what)
    {
        Terminal.Error.Write($"remove {what}? [y/N] ");
        return Terminal.In.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }
}
