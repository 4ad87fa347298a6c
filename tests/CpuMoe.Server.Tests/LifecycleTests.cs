using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using CpuMoe.Serving;

namespace CpuMoe.Server.Tests;

/// <summary>Clients that go away, clients that dawdle, and the end of the server.</summary>
public class LifecycleTests(ServerFixture fixture)
{
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task A_client_that_goes_away_stops_its_work(bool stream, bool isQueued)
    {
        await using RunningServer server = await fixture.StartAsync();
        using HttpResponseMessage? other = isQueued ? await server.PostAsync(Requests.ChatPath, Endless(stream: true), stream: true) : null;
        using CancellationTokenSource gone = new();
        using StringContent content = new(Endless(stream).ToJsonString());
        Task<HttpResponseMessage> request = server.Http.PostAsync(Requests.ChatPath, content, gone.Token);
        while (server.Scheduler.Statistics is var now && (isQueued ? now.Waiting : now.Running) == 0)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        other?.Dispose();
        await server.WaitUntilIdleAsync();
        Assert.True(server.Scheduler.Statistics.Cancelled > 0);
        Assert.Equal(HttpStatusCode.OK, (await server.PostAsync(Requests.ChatPath, Requests.Chat("Hi", """{"max_tokens":2}"""))).StatusCode);
    }

    [Fact]
    public async Task A_connection_with_many_requests_does_not_hold_up_another()
    {
        await using RunningServer server = await fixture.StartAsync(queue: 8);
        JsonNode many = Requests.Chat("Tell me a story.", $$"""{"n":5,"max_tokens":200,"logit_bias":{{fixture.NeverEnd.ToJsonString()}}}""");
        Task<HttpResponseMessage> greedy = server.PostAsync(Requests.ChatPath, many);
        while (server.Scheduler.Statistics.Waiting < 4)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        using HttpClient other = new() { BaseAddress = server.Address };
        using StringContent content = new(Requests.Chat("Hi", """{"max_tokens":2}""").ToJsonString());
        using HttpResponseMessage answer = await other.PostAsync(Requests.ChatPath, content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.InRange(server.Scheduler.Statistics.Waiting, 1, 4);
        Assert.False(greedy.IsCompleted);
        Assert.Equal(HttpStatusCode.OK, (await greedy).StatusCode);
    }

    [Fact]
    public async Task Running_requests_finish_while_new_ones_are_refused()
    {
        await using RunningServer server = await fixture.StartAsync(options => options.ShutdownGrace = TimeSpan.FromMinutes(5));
        using HttpResponseMessage running = await server.PostAsync(
            Requests.ChatPath, Requests.Chat("Tell me a story.", $$"""{"stream":true,"max_tokens":1500,"logit_bias":{{fixture.NeverEnd.ToJsonString()}}}"""), stream: true);
        Task stop = server.StopAsync(TestContext.Current.CancellationToken);
        using HttpResponseMessage health = await server.Http.GetAsync("/health", TestContext.Current.CancellationToken);
        using HttpResponseMessage refused = await server.PostAsync(Requests.ChatPath, Requests.Chat("Hi"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Equal("unavailable_error", (string)JsonNode.Parse(await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["error"]!["type"]!);
        await ErrorTests.CheckAsync(refused, HttpStatusCode.ServiceUnavailable, "server_error", "shutting_down");
        Assert.NotNull(refused.Headers.RetryAfter);
        List<JsonNode> chunks = ServerSentEvents.ReadChunks(await running.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal("length", (string)chunks[^1]["choices"]![0]!["finish_reason"]!);
        await stop;
    }

    [Fact]
    public async Task Streams_end_with_an_error_when_the_grace_is_over()
    {
        await using RunningServer server = await fixture.StartAsync(options => options.ShutdownGrace = TimeSpan.FromMilliseconds(50));
        using HttpResponseMessage running = await server.PostAsync(Requests.ChatPath, Endless(stream: true), stream: true);
        Task stop = server.StopAsync(TestContext.Current.CancellationToken);
        List<string> data = ServerSentEvents.Read(await running.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken), out _);
        await stop;

        JsonNode error = JsonNode.Parse(data[^1])!["error"]!;
        Assert.Equal(("server_error", "shutting_down"), ((string)error["type"]!, (string)error["code"]!));
        Assert.DoesNotContain("[DONE]", data);
    }

    [Fact]
    public async Task Requests_that_never_arrive_do_not_hold_the_others_up()
    {
        byte[] headers = Encoding.ASCII.GetBytes($"POST {Requests.ChatPath} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{{\"messages\":");
        List<TcpClient> slow = [];
        for (int i = 0; i < 50; i++)
        {
            TcpClient client = new();
            await client.ConnectAsync(fixture.Server.Address.Host, fixture.Server.Address.Port, TestContext.Current.CancellationToken);
            await client.GetStream().WriteAsync(headers.AsMemory(0, i % 2 == 0 ? 20 : headers.Length), TestContext.Current.CancellationToken);
            slow.Add(client);
        }

        JsonNode answer = await fixture.Server.PostJsonAsync(Requests.ChatPath, Requests.Chat("Hi", """{"max_tokens":2}"""));
        Assert.NotNull(answer["choices"]);

        // Kestrel's least rate counts after 5 s: then the body has to arrive or the client is told.
        string text = await new StreamReader(slow[1].GetStream()).ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 408", text, StringComparison.Ordinal);
        slow.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task A_client_that_reads_nothing_loses_its_connection()
    {
        await using RunningServer server = await fixture.StartAsync(options => options.StalledClientTimeout = TimeSpan.FromMilliseconds(300));
        JsonObject endless = Endless(stream: true);
        endless["logprobs"] = true;
        endless["top_logprobs"] = 20;
        byte[] body = Encoding.UTF8.GetBytes(endless.ToJsonString());
        using TcpClient client = new() { ReceiveBufferSize = 4096 };
        await client.ConnectAsync(server.Address.Host, server.Address.Port, TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST {Requests.ChatPath} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {body.Length}\r\n\r\n"), TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync(body, TestContext.Current.CancellationToken);
        while (server.Scheduler.Statistics is { Cancelled: 0, Completed: 0 })
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Assert.Equal((1L, 0L), (server.Scheduler.Statistics.Cancelled, server.Scheduler.Statistics.Completed));
        await server.WaitUntilIdleAsync();
    }

    [Fact]
    public async Task Those_who_wait_or_answer_too_long_are_told()
    {
        SchedulerOptions limits = new() { MaxQueueTime = TimeSpan.FromMilliseconds(50) };
        await using RunningServer server = await RunningServer.StartAsync(fixture.Model, limits), quick = await RunningServer.StartAsync(fixture.Model, new SchedulerOptions { MaxSlotTime = TimeSpan.FromMilliseconds(1) });
        JsonObject endless = Endless(stream: true);
        using HttpResponseMessage running = await server.PostAsync(Requests.ChatPath, endless, stream: true);
        using HttpResponseMessage whole = await server.PostAsync(Requests.ChatPath, Requests.Chat("Hi"));
        using HttpResponseMessage streamed = await server.PostAsync(Requests.ChatPath, endless);
        using HttpResponseMessage late = await quick.PostAsync(Requests.ChatPath, Requests.Chat(string.Concat(Enumerable.Repeat("Tell me a story. ", 300)), """{"max_tokens":2}"""));

        await ErrorTests.CheckAsync(whole, HttpStatusCode.ServiceUnavailable, "server_error", "no_slot");
        Assert.NotNull(whole.Headers.RetryAfter);
        List<string> data = ServerSentEvents.Read(await streamed.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken), out _);
        Assert.Equal("no_slot", (string)JsonNode.Parse(data[^1])!["error"]!["code"]!);
        await ErrorTests.CheckAsync(late, HttpStatusCode.GatewayTimeout, "server_error", "time_limit");
        Assert.Equal("false", Assert.Single(late.Headers.GetValues("x-should-retry")));
    }

    [Fact]
    public async Task Many_streams_at_once_are_not_mixed_up()
    {
        (string Question, string Answer)[] pairs =
        [
            ("What is the capital of France?", "The capital of France is Paris."),
            ("What is the capital of Japan?", "The capital of Japan is Tokyo."),
            ("My name is Ana.", "Nice to meet you, Ana!"),
        ];
        string[] texts = await Task.WhenAll(Enumerable.Range(0, 24).Select(async i =>
        {
            using HttpResponseMessage response = await fixture.Server.PostAsync(Requests.ChatPath, Requests.Chat(pairs[i % 3].Question, """{"stream":true}"""));
            List<JsonNode> chunks = ServerSentEvents.ReadChunks(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
            return string.Concat(chunks.Select(chunk => (string?)chunk["choices"]![0]!["delta"]!["content"]));
        }));

        Assert.Equal(Enumerable.Range(0, 24).Select(i => pairs[i % 3].Answer), texts);
    }

    private JsonObject Endless(bool stream) => Requests.Chat("Tell me a story.", $$"""{"stream":{{(stream ? "true" : "false")}},"logit_bias":{{fixture.NeverEnd.ToJsonString()}}}""");
}
