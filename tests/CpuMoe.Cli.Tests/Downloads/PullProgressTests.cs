using CpuMoe.Cli.Downloads;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Tests.Downloads;

/// <summary>What is shown during a pull.</summary>
public class PullProgressTests
{
    [Fact]
    public async Task A_terminal_has_a_bar()
    {
        PullMeter meter = new() { Total = 400 << 20 };
        meter.AddPresent(100 << 20);
        string shown = await ShowAsync(meter, isTerminal: true, error => error.Contains("100 MiB of 400 MiB, 0 B/s", StringComparison.Ordinal));

        Assert.Contains("25%", shown, StringComparison.Ordinal);
        Assert.Contains('\e', shown);
    }

    [Fact]
    public async Task Elsewhere_lines_tell_amount_rate_and_time()
    {
        PullMeter meter = new() { Total = 400 << 20 };
        meter.AddPresent(100 << 20);
        string shown = await ShowAsync(meter, isTerminal: false, error =>
        {
            meter.AddReceived(1000);
            return error.Contains(" left\n", StringComparison.Ordinal);
        });

        Assert.Matches(@"(?m)^cpumoe: 100 MiB of 400 MiB, [0-9.]+ (B|KiB|MiB|GiB)/s, \d+ (s|min|days|h \d+ min) left$", shown);
        Assert.DoesNotContain('\e', shown);
    }

    [Fact]
    public async Task Waits_and_checks_are_told()
    {
        PullMeter meter = new() { Total = 400 << 20 };
        using (meter.Wait("the server is busy", TimeSpan.FromSeconds(90)))
        {
            await ShowAsync(meter, isTerminal: false, error => error.Contains("the server is busy; waiting 90 s\n", StringComparison.Ordinal));
        }

        meter.BeginCheck(200);
        meter.AddChecked(50);
        Assert.DoesNotContain("busy", await ShowAsync(meter, isTerminal: false, error => error.Contains("checking SHA-256: 25 %\n", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    /// <summary>Shows a pull that lasts until the condition holds for what was shown.</summary>
    private static async Task<string> ShowAsync(PullMeter meter, bool isTerminal, Func<string, bool> isEnough)
    {
        using StringWriter error = new() { NewLine = "\n" };
        TextWriter shared = TextWriter.Synchronized(error);
        CliConsole console = new(TextReader.Null, TextWriter.Null, shared) { ErrorIsTerminal = isTerminal, UseColor = isTerminal };
        TaskCompletionSource<int> work = new();
        Task<int> shown = new PullProgress(console, meter, TimeSpan.FromMilliseconds(20)).ShowAsync(work.Task);
        for (int i = 0; !isEnough(Read()); i++)
        {
            Assert.False(shown.IsFaulted, shown.Exception?.ToString());
            Assert.True(i < 500, Read());
            await Task.Delay(10);
        }

        work.SetResult(7);
        Assert.Equal(7, await shown);
        return Read();

        string Read()
        {
            lock (shared) // as the synchronized writer does
            {
                return error.ToString();
            }
        }
    }
}
