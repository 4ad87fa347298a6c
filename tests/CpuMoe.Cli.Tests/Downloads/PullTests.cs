using System.Collections.Concurrent;
using CpuMoe.Cli.Downloads;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Cli.Tests.Downloads;

/// <summary>Pulls from a server that behaves, or that is back after a while: the files must be right.</summary>
public class PullTests
{
    private const string File = "model-Q4_K_M.gguf";

    [Fact]
    public async Task All_parts_arrive_by_ranges_and_the_token_stays_with_the_hub()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[][] parts = [.. Enumerable.Range(1, 3).Select(i => fixture.Hub.Add($"Q4_K_M/the model+#%41-Q4_K_M-0000{i}-of-00003.gguf", (5 * PullFixture.Chunk) + i, i))];
        fixture.Hub.Add("Q8_0/model-Q8_0.gguf", 100);
        string first = await fixture.PullAsync("hf:some/model:q4_k_m");

        Assert.EndsWith("-00001-of-00003.gguf", first, StringComparison.Ordinal);
        Assert.Equal(3, fixture.FinalFiles().Length);
        Assert.All(parts, (part, i) => Assert.Equal(part, System.IO.File.ReadAllBytes(first.Replace("00001-of", $"0000{i + 1}-of", StringComparison.Ordinal))));
        Assert.Empty(fixture.PartialFiles());
        PulledModel pulled = Assert.Single(fixture.Store.List());
        Assert.True(pulled is { Complete: true, Commit: FakeHub.Commit });
        Assert.True(fixture.Store.IsIntact(pulled));
        Assert.Equal(first, fixture.Store.Locate(ModelReference.Parse("hf:some/model")));
        Assert.Equal(parts.Sum(part => part.Length), fixture.Meter.Transferred);

        // 5 whole ranges and a rest of each part, none asked for twice.
        Assert.Equal(18, fixture.Hub.Transfers.Count());
        Assert.Equal(18, fixture.Hub.Transfers.Select(request => (request.Path, request.Start)).Distinct().Count());
        Assert.All(fixture.Hub.Requests, request => Assert.Equal(request.Path.StartsWith("/cdn/", StringComparison.Ordinal) ? "" : "Bearer hf_token", request.Authorization));
        Assert.All(fixture.Hub.Transfers, request => Assert.StartsWith("localhost:", request.Host, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Broken_connections_are_taken_up_where_they_broke()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add(File, 20 * PullFixture.Chunk);

        // Every transfer breaks after 1000 bytes: more often than a range may fail without getting on.
        fixture.Hub.OnTransfer = async (context, _, part) =>
        {
            await FakeHub.DropAfterAsync(context, part, 1000);
            return true;
        };
        string path = await fixture.PullAsync();

        Assert.Equal(content, System.IO.File.ReadAllBytes(path));
        Assert.Equal(content.Length, fixture.Meter.Received);
        Assert.Contains(fixture.Hub.Transfers, request => request.Start % PullFixture.Chunk != 0);
    }

    [Fact]
    public async Task A_server_that_dies_and_comes_back_is_asked_only_for_what_is_missing()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add(File, 20 * PullFixture.Chunk);
        fixture.Hub.OnTransfer = async (context, number, part) =>
        {
            if (number == 10)
            {
                await FakeHub.DropAfterAsync(context, part, 500);
            }
            else if (number > 10)
            {
                context.Abort();
            }

            return number >= 10;
        };
        string message = await fixture.FailAsync();
        Assert.Contains("gave up after 3 attempts", message, StringComparison.Ordinal);
        Assert.False(Assert.Single(fixture.Store.List()).Complete);
        Assert.Equal(2, fixture.PartialFiles().Length);

        fixture.Hub.Requests.Clear();
        fixture.Hub.OnTransfer = (_, _, _) => Task.FromResult(false);
        string path = await fixture.PullAsync();

        Assert.Equal(content, System.IO.File.ReadAllBytes(path));
        Assert.InRange(fixture.Hub.Transfers.Sum(request => request.End!.Value - request.Start!.Value), 1, 10 * PullFixture.Chunk);
        Assert.Equal(content.Length, fixture.Meter.Received);
        Assert.Equal(fixture.Hub.Transfers.Sum(request => request.End!.Value - request.Start!.Value), fixture.Meter.Transferred);
        Assert.Empty(fixture.PartialFiles());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_without_ranges_sends_the_whole_file(bool afterBreak)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add(File, 20 * PullFixture.Chunk);
        if (afterBreak)
        {
            fixture.Hub.OnTransfer = (context, number, _) =>
            {
                if (number > 5)
                {
                    context.Abort();
                }

                return Task.FromResult(number > 5);
            };
            await fixture.FailAsync();
        }

        int whole = 0;
        fixture.Hub.OnTransfer = async (context, _, part) =>
        {
            context.Response.ContentLength = content.Length;
            bool breaks = part.Offset == 0 && Interlocked.Increment(ref whole) == 2;
            await context.Response.Body.WriteAsync(content.AsMemory(0, breaks ? 10_000 : content.Length));
            if (breaks)
            {
                await context.Response.Body.FlushAsync();
                context.Abort();
            }

            return true;
        };
        string path = await fixture.PullAsync();

        Assert.Equal(content, System.IO.File.ReadAllBytes(path));
        Assert.Equal(content.Length, fixture.Meter.Received);
    }

    [Theory]
    [InlineData("Retry-After", "0")]
    [InlineData("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT")]
    [InlineData("RateLimit", "\"resolvers\";r=0;t=0")]
    public async Task A_limited_rate_is_obeyed(string header, string value)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add(File, 5 * PullFixture.Chunk);
        ConcurrentDictionary<string, int> asked = [];

        // Ordered to wait by our own choice it would wait for a minute and run into the limit of the test.
        fixture.Hub.OnHub = context =>
        {
            bool limited = asked.AddOrUpdate($"{context.Request.Path}{context.Request.Headers.Range}", 1, (_, count) => count + 1) <= 2;
            if (limited)
            {
                context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
                context.Response.Headers[header] = value;
            }

            return Task.FromResult(limited);
        };
        string path = await fixture.PullAsync(fixture.Settings with { FirstWait = TimeSpan.FromMinutes(1), LongestWait = TimeSpan.FromMinutes(1) })
            .WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Equal(content, System.IO.File.ReadAllBytes(path));
    }

    [Fact]
    public async Task Addresses_that_expired_and_servers_that_stall_are_asked_again()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add(File, 5 * PullFixture.Chunk);
        fixture.Hub.OnTransfer = async (context, number, part) =>
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            switch (number)
            {
                case 0:
                    return true;
                case 1:
                    context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                    return true;
                case 2:
                    await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    return true;
                default:
                    return false;
            }
        };
        string path = await fixture.PullAsync(fixture.Settings with { StallTimeout = TimeSpan.FromMilliseconds(300) });

        Assert.Equal(content, System.IO.File.ReadAllBytes(path));
        Assert.Equal(8, fixture.Hub.Transfers.Count());
    }

    [Fact]
    public async Task A_model_that_is_there_is_not_pulled_again_unless_it_changed()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] same = fixture.Hub.Add("m-Q4_K_M-00001-of-00002.gguf", 3 * PullFixture.Chunk);
        fixture.Hub.Add("m-Q4_K_M-00002-of-00002.gguf", 3 * PullFixture.Chunk);
        string path = await fixture.PullAsync();
        fixture.Hub.Requests.Clear();
        Assert.Equal(path, await fixture.PullAsync());
        Assert.Empty(fixture.Hub.Transfers);

        byte[] changed = fixture.Hub.Add("m-Q4_K_M-00002-of-00002.gguf", 3 * PullFixture.Chunk, seed: 2);
        Assert.Equal(path, await fixture.PullAsync());
        Assert.Equal(same, System.IO.File.ReadAllBytes(path));
        Assert.Equal(changed, System.IO.File.ReadAllBytes(path.Replace("00001-of", "00002-of", StringComparison.Ordinal)));
        Assert.All(fixture.Hub.Transfers, request => Assert.Contains("00002-of", request.Path, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_update_that_fails_leaves_the_model_as_it_was()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] before = fixture.Hub.Add(File, 3 * PullFixture.Chunk);
        string path = await fixture.PullAsync();
        fixture.Hub.Add(File, 3 * PullFixture.Chunk, seed: 2);
        fixture.Hub.OnTransfer = (context, _, _) =>
        {
            context.Abort();
            return Task.FromResult(true);
        };
        await Assert.ThrowsAsync<CliException>(() => fixture.PullAsync());

        Assert.Equal(before, System.IO.File.ReadAllBytes(path));
        Assert.Equal(path, fixture.Store.Locate(ModelReference.Parse("hf:some/model")));
    }

    [Fact]
    public async Task Ranges_of_another_content_are_not_mixed_in()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.Add(File, 8 * PullFixture.Chunk);
        fixture.Hub.OnTransfer = (context, number, _) =>
        {
            if (number > 4)
            {
                context.Abort();
            }

            return Task.FromResult(number > 4);
        };
        await fixture.FailAsync();
        byte[] content = fixture.Hub.Add(File, 8 * PullFixture.Chunk, seed: 2);
        fixture.Hub.OnTransfer = (_, _, _) => Task.FromResult(false);
        string path = await fixture.PullAsync();

        Assert.Equal(content, System.IO.File.ReadAllBytes(path));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_crash_left_under_the_final_name_is_checked(bool right)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add(File, 3 * PullFixture.Chunk);
        string path = Path.Combine(fixture.Folder, "some", "model", "main", File);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllBytes(path, right ? content : new byte[content.Length]);

        Assert.Equal(path, await fixture.PullAsync());
        Assert.Equal(content, System.IO.File.ReadAllBytes(path));
        Assert.Equal(right, !fixture.Hub.Transfers.Any());
    }

    [Fact]
    public async Task A_cancelled_pull_goes_on_later()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add(File, 20 * PullFixture.Chunk);
        using CancellationTokenSource source = new();
        fixture.Hub.OnTransfer = async (context, number, _) =>
        {
            if (number == 12)
            {
                await source.CancelAsync();
            }

            if (number >= 12)
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            return number >= 12;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.PullAsync(cancellation: source.Token));
        Assert.Empty(fixture.FinalFiles());

        fixture.Hub.Requests.Clear();
        fixture.Hub.OnTransfer = (_, _, _) => Task.FromResult(false);
        Assert.Equal(content, System.IO.File.ReadAllBytes(await fixture.PullAsync()));
        Assert.InRange(fixture.Hub.Transfers.Count(), 8, 12);
    }

    [Fact]
    public async Task Two_pulls_of_a_model_do_not_meet()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add(File, 3 * PullFixture.Chunk);
        TaskCompletionSource begun = new(), go = new();
        fixture.Hub.OnTransfer = async (_, _, _) =>
        {
            begun.TrySetResult();
            await go.Task;
            return false;
        };
        Task<string> first = fixture.PullAsync();
        await begun.Task;
        CliException fault = await Assert.ThrowsAsync<CliException>(() => fixture.PullAsync($"hf:some/model/{File}"));
        go.SetResult();

        Assert.Contains("by another process", fault.Message, StringComparison.Ordinal);
        Assert.Equal(content, System.IO.File.ReadAllBytes(await first));
    }
}
