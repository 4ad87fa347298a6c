using Spectre.Console;

namespace CpuMoe.Cli.Terminal;

/// <summary>Rows of texts: a drawn table on a terminal, aligned columns without wrapping elsewhere.</summary>
/// <param name="columns">The headings; one that starts with '&gt;' is aligned to the right.</param>
internal sealed class TextTable(params string[] columns)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row with one text per column.</summary>
    public void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>Writes the table to standard output.</summary>
    public void Write(CliConsole console)
    {
        if (console.OutIsTerminal)
        {
            Draw(console);
        }
        else
        {
            Align(console.Out);
        }
    }

    private static bool IsRight(string column) => column.StartsWith('>');

    private static string Heading(string column) => IsRight(column) ? column[1..] : column;

    private void Draw(CliConsole console)
    {
        Table table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns)
        {
            TableColumn drawn = new(Markup.Escape(Heading(column)));
            drawn = IsRight(column) ? drawn.RightAligned() : drawn;
            table.AddColumn(column == columns[^1] ? drawn : drawn.NoWrap());
        }

        foreach (string[] row in _rows)
        {
            table.AddRow([.. row.Select(cell => new Spectre.Console.Text(cell))]);
        }

        AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = console.UseColor ? AnsiSupport.Detect : AnsiSupport.No,
            Out = new AnsiConsoleOutput(console.Out),
        }).Write(table);
    }

    private void Align(TextWriter output)
    {
        string[][] lines = [[.. columns.Select(Heading)], .. _rows];
        int[] widths = [.. columns.Select((_, i) => lines.Max(line => line[i].Length))];
        foreach (string[] line in lines)
        {
            IEnumerable<string> cells = line.Select((cell, i) => IsRight(columns[i]) ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]));
            output.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }
}
