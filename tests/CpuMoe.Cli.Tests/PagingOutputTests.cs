using CpuMoe.Experts;

namespace CpuMoe.Cli.Tests;

/// <summary>What <c>run</c> and <c>bench</c> tell about the experts of a paged model.</summary>
public class PagingOutputTests
{
    private static readonly ExpertStatistics Statistics = new()
    {
        ReadMode = "direct",
        Slots = 171,
        Experts = 384,
        Hits = [30, 10],
        Misses = [10, 30],
        Reads = new ReadStatistics(6_000_000_000, 6000, TimeSpan.FromSeconds(4), 7.4),
        Stalled = TimeSpan.FromSeconds(2.5),
    };

    [Fact]
    public void Figures_are_those_of_the_statistics()
    {
        PagingOutput output = PagingOutput.From(Statistics, 1e6)!;

        Assert.Equal(("direct", 171, 384), (output.ReadMode, output.Slots, output.Total));
        Assert.Equal((40L, 40L, 0.5), (output.Hits, output.Misses, output.HitRate));
        Assert.Equal([0.75, 0.25], output.HitRateByLayer);
        Assert.Equal((1e6, 1.5, 7.4, 2500), (output.BytesReadPerToken, output.ReadGbS, output.QueueDepth, output.StalledMs));
        Assert.Equal("171 of 384 experts fit in memory, 50 % of those asked for were there; direct reads at 1.50 GB/s, 7.4 at a time, waited 2.5 s for them", output.Summary());
    }

    [Fact]
    public void A_model_that_is_not_paged_has_none() => Assert.Null(PagingOutput.From(null));
}
