using CpuMoe.Diagnostics;

namespace CpuMoe.Tests.Diagnostics;

public class BestTimeTests
{
    [Fact]
    public void The_shortest_pass_counts_even_if_it_comes_late()
    {
        int passes = 0;
        TimeSpan best = BestTime.Of(() => Thread.Sleep(passes++ < 3 ? 60 : 5), TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken);

        Assert.True(passes > 3);
        Assert.InRange(best.TotalMilliseconds, 4, 59);
    }

    [Fact]
    public void A_pass_longer_than_the_patience_runs_once_more_at_most()
    {
        int passes = 0;
        BestTime.Of(
            () =>
            {
                passes++;
                Thread.Sleep(20);
            },
            TimeSpan.FromMilliseconds(1),
            TestContext.Current.CancellationToken);

        Assert.InRange(passes, 1, 2);
    }

    [Fact]
    public void Endless_progress_has_an_end()
    {
        double milliseconds = 40;
        int passes = 0;
        BestTime.Of(
            () =>
            {
                passes++;
                Thread.Sleep((int)Math.Max(1, milliseconds *= 0.9));
            },
            TimeSpan.FromMilliseconds(30),
            TestContext.Current.CancellationToken);

        Assert.InRange(passes, 2, 200);
    }

    [Fact]
    public void Cancellation_ends_it_between_passes()
    {
        using CancellationTokenSource source = new();
        int passes = 0;

        Assert.Throws<OperationCanceledException>(() => BestTime.Of(
            () =>
            {
                passes++;
                source.Cancel();
            },
            TimeSpan.FromMinutes(1),
            source.Token));
        Assert.Equal(1, passes);
    }
}
