using System.Globalization;
using CpuMoe.Cli.Commands;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Fitting;

/// <summary>The tables of <c>fit</c>.</summary>
internal static class FitTables
{
    private const string None = "-";

    public static void Write(FitOutput output, CliConsole console)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string disk = output.Machine.DiskBytesPerSecond is { } rate ? string.Create(culture, $"disk {rate / 1e9:F1} GB/s") : "disk unknown";
        console.Out.WriteLine(string.Create(
            culture, $"{output.Machine.Threads} threads, memory {output.Machine.ReadBytesPerSecond / 1e9:F1} GB/s, {disk}; {output.Context} tokens of context in {output.KvType}"));
        foreach (FitModelOutput model in output.Models)
        {
            foreach (FitMachineOutput machine in model.Machines)
            {
                string memory = machine.MemoryBytes is { } bytes ? Bytes.Display(bytes) : "any memory";
                console.Out.WriteLine();
                console.Out.WriteLine($"{model.Model}, {Bytes.DisplayCount(model.Parameters)} weights, on {machine.Machine} with {memory} for it:");
                Table(machine).Write(console);
            }
        }
    }

    private static TextTable Table(FitMachineOutput machine)
    {
        TextTable table = new("quant", ">file", ">memory", ">least", ">read/token", ">in memory tok/s", ">here tok/s", ">hits", ">prefill tok/s", "quality", "grade");
        foreach (FitRowOutput row in machine.Rows)
        {
            bool runs = row.Fits || row.DecodePaged is not null;
            table.Add(
                row.IsFile ? $"{row.Quantization} (the file)" : row.Quantization,
                Bytes.Display(row.FileBytes),
                Bytes.Display(row.ResidentBytes),
                Bytes.Display(row.SmallestBytes),
                Bytes.Display(row.ActiveBytesPerToken),
                Speed(row.DecodeResident),
                runs ? Speed(row.DecodePaged ?? row.DecodeResident) : None,
                row.HitRate is { } hits ? hits.ToString("P0", CultureInfo.InvariantCulture) : None,
                runs ? Speed(row.PrefillPaged ?? row.PrefillResident) : None,
                row.Quality,
                row.Grade);
        }

        return table;
    }

    private static string Speed(double tokens) => tokens.ToString(tokens < 10 ? "F2" : tokens < 100 ? "F1" : "F0", CultureInfo.InvariantCulture);
}
