using System.Globalization;
using CpuMoe.Cli.Commands;
using CpuMoe.Cli.Downloads;
using Spectre.Console;

namespace CpuMoe.Cli.Terminal;

/// <summary>Shows how far a pull is: a bar on a terminal, a line now and then elsewhere.</summary>
/// <param name="console">Its standard error gets the progress.</param>
/// <param name="meter">What is shown.</param>
/// <param name="lineInterval">The time between lines.</param>
internal sealed class PullProgress(CliConsole console, PullMeter meter, TimeSpan lineInterval)
{
    /// <summary>The usual time between lines.</summary>
    public static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan BarInterval = TimeSpan.FromSeconds(0.25);

    private readonly TransferRate _rate = new(TimeProvider.System);

    /// <summary>Shows the progress until the work is over, and has its outcome.</summary>
    public async Task<T> ShowAsync<T>(Task<T> work)
    {
        if (console.ErrorIsTerminal && console.UseColor)
        {
            await ShowBarAsync(work);
        }
        else
        {
            await ShowLinesAsync(work);
        }

        return await work;
    }

    private async Task ShowBarAsync(Task work)
    {
        IAnsiConsole terminal = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(console.Error),
        });
        await terminal.Progress().AutoClear(true).Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn()).StartAsync(async context =>
        {
            ProgressTask task = context.AddTask(Markup.Escape(Describe()), maxValue: Math.Max(1, meter.Total));
            do
            {
                task.Value = meter.Received;
                task.Description = Markup.Escape(Describe());
            }
            while (await IsStillRunning(work, BarInterval));
        });
    }

    private async Task ShowLinesAsync(Task work)
    {
        Describe();
        while (await IsStillRunning(work, lineInterval))
        {
            console.Notice(Describe());
        }
    }

    private static async Task<bool> IsStillRunning(Task work, TimeSpan interval)
    {
        using CancellationTokenSource over = new();
        Task first = await Task.WhenAny(work, Task.Delay(interval, over.Token));
        await over.CancelAsync();
        return first != work;
    }

    private string Describe()
    {
        if (meter.Checked is { } part)
        {
            return string.Create(CultureInfo.InvariantCulture, $"checking SHA-256: {part:P0}");
        }

        long received = meter.Received, left = meter.Total - received;
        double rate = _rate.Update(meter.Transferred);
        string text = $"{Bytes.Display(received)} of {Bytes.Display(meter.Total)}, {Bytes.Display((long)rate)}/s";
        return meter.Waiting is { } reason ? $"{text}, {reason}"
            : rate >= 1 && left > 0 ? $"{text}, {Duration(left / rate)} left" : text;
    }

    private static string Duration(double seconds) => seconds switch
    {
        < 60 => $"{(int)Math.Ceiling(seconds)} s",
        < 3600 => $"{(int)(seconds / 60)} min",
        < 100 * 3600 => $"{(int)(seconds / 3600)} h {(int)(seconds % 3600 / 60)} min",
        _ => $"{(long)(seconds / 86400)} days",
    };
}
