using System.CommandLine;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Downloads;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe pull</c>: a model from Hugging Face onto this machine.</summary>
internal sealed class PullCommand : CliCommand
{
    private readonly Argument<string> _name = new("NAME") { Description = ModelReference.Form };

    private readonly Option<int?> _connections = NumberOption.Create<int>(
        "--connections", "N", "Ranges of a file received at a time [8]", n => n is >= 1 and <= 64, "an integer from 1 to 64", "-j");

    public PullCommand(CliConsole console)
        : base(
            "pull",
            $"""
            Gets a GGUF model from Hugging Face, checks its SHA-256 and keeps it in the user's cache folder; -m of the other
            commands takes the same name. QUANT is looked for in the file names, capitals or not; without it the only model
            of a repository is taken, else Q4_K_M. All parts of a split model are pulled. After a break the same command
            goes on where it was; of a model that is there it gets what has changed. The path of the first file goes to
            standard output.
            Variables: HF_TOKEN (for private and gated models), HF_ENDPOINT (instead of https://huggingface.co), HTTPS_PROXY,
            HTTP_PROXY, ALL_PROXY, NO_PROXY, {CacheFolder.Variable} (the folder for models).
            """,
            console,
            "cpumoe pull hf:unsloth/GLM-4.5-Air-GGUF:Q4_K_M",
            "cpumoe pull hf:unsloth/GLM-4.5-Air-GGUF",
            "cpumoe pull hf:OWNER/REPO@v1.0:Q8_0",
            "cpumoe pull hf:OWNER/REPO/folder/file-00001-of-00003.gguf")
    {
        Arguments.Add(_name);
        Options.Add(_connections);
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        ModelReference reference = ModelReference.Parse(arguments.GetRequiredValue(_name));
        PullSettings settings = PullSettings.FromEnvironment();
        settings = settings with { Connections = arguments.GetValue(_connections) ?? settings.Connections };
        using IDisposable interruption = Terminal.Interrupts.Cancelling(out CancellationToken cancellation);
        Terminal.Out.WriteLine(PullAsync(reference, settings, cancellation).GetAwaiter().GetResult());
        return ExitCodes.Success;
    }

    private async Task<string> PullAsync(ModelReference reference, PullSettings settings, CancellationToken cancellation)
    {
        PullMeter meter = new();
        ModelStore store = ModelStore.Open();
        using ModelPull pull = new(settings, store, meter);
        PullPlan plan = await pull.PrepareAsync(reference, cancellation);
        Terminal.Notice($"{plan.Model.FirstPath}: {(plan.Model.Files.Count == 1 ? "1 file" : $"{plan.Model.Files.Count} files")}, {Bytes.Display(plan.Model.Bytes)}");
        try
        {
            return await new PullProgress(Terminal, meter, PullProgress.LineInterval).ShowAsync(Task.Run(() => pull.RunAsync(plan, cancellation), CancellationToken.None));
        }
        catch (OperationCanceledException)
        {
            Terminal.Notice("stopped; the same command goes on from here");
            throw;
        }
    }
}
