using System.CommandLine;
using System.Globalization;
using CpuMoe.Cli.Downloads;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe list</c>: the models that were pulled.</summary>
internal sealed class ListCommand : CliCommand
{
    private readonly Option<bool> _json = JsonOption();

    public ListCommand(CliConsole console)
        : base(
            "list",
            """
            Lists the models that cpumoe pull got. In JSON: {"folder": ..., "models": [{"name", "quant" (absent where the file
            name tells none), "bytes", "pulled" (UTC), "complete" (false: pull again to go on), "commit", "files": [paths, the
            first to be opened]}]}.
            """,
            console,
            "cpumoe list",
            "cpumoe list --json | jq -r '.models[].name'") => Options.Add(_json);

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        ModelStore store = ModelStore.Open();
        IReadOnlyList<PulledModel> models = store.List();
        PulledModelOutput[] rows =
        [
            .. models.Select(model => new PulledModelOutput(
                NameOf(model, models), model.Model.Quant, model.Model.Bytes, model.Pulled, model.Complete, model.Commit,
                [.. model.Files.Select(file => store.PathOf(model.Reference, file))])),
        ];
        if (arguments.GetValue(_json))
        {
            WriteJson(new ListOutput(store.Root, rows), JsonOutput.Readable.ListOutput);
        }
        else if (rows.Length == 0)
        {
            Terminal.Notice($"no models in {store.Root}; cpumoe pull gets one");
        }
        else
        {
            Print(rows);
        }

        return ExitCodes.Success;
    }

    private static string NameOf(PulledModel model, IReadOnlyList<PulledModel> models) => model.NameAmong(models
        .Where(other => other.Reference.Base.Equals(model.Reference.Base, StringComparison.Ordinal)).Select(other => other.Model)).ToString();

    private void Print(PulledModelOutput[] rows)
    {
        TextTable table = new("name", ">size", "quant", "pulled");
        foreach (PulledModelOutput row in rows)
        {
            table.Add(
                row.Name, Bytes.Display(row.Bytes), row.Quant ?? "",
                row.Complete ? row.Pulled.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) : "not finished");
        }

        table.Write(Terminal);
    }
}
