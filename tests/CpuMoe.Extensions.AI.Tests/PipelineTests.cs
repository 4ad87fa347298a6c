using System.Collections.Concurrent;
using System.Diagnostics;
using CpuMoe.Generation;
using CpuMoe.Serving;
using CpuMoe.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CpuMoe.Extensions.AI.Tests;

/// <summary>The client behind others, and in a container.</summary>
public class PipelineTests
{
    private const string Source = "CpuMoe.Extensions.AI.Tests";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_container_builds_the_whole_pipeline(bool streams)
    {
        ConcurrentQueue<Activity> spans = [];
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name == Source + streams,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        LogLines lines = new();
        List<string> asked = [];
        ServiceCollection services = new();
        services.AddLogging(builder => builder.SetMinimumLevel(LogLevel.Trace).AddProvider(lines));
        services.AddDistributedMemoryCache();
        services
            .AddCpuMoe(options =>
            {
                options.ModelPath = TestData.DemoModel;
                options.ModelId = "demo";
                options.Generation = new GenerationOptions { Sampling = SamplerOptions.Greedy };
                options.Thinking = false;
            })
            .UseDistributedCache()
            .UseFunctionInvocation()
            .UseOpenTelemetry(sourceName: Source + streams)
            .UseLogging();
        await using ServiceProvider provider = services.BuildServiceProvider();
        IChatClient client = provider.GetRequiredService<IChatClient>();
        ChatOptions options = new() { Tools = [DemoClient.Weather(asked)], ModelId = "demo" };

        ChatResponse first = await AskAsync();
        ChatResponse second = await AskAsync();

        Assert.Equal("The weather in Paris is cloudy with 17 degrees.", first.Messages[^1].Text);
        Assert.Equal(first.Text, second.Text);
        Assert.Equal(["Paris"], asked); // The second time all comes from the cache.
        SchedulerStatistics statistics = client.GetRequiredService<Scheduler>().Statistics;
        Assert.Equal(2, statistics.Completed);

        Activity[] chats = [.. spans.Where(span => Equals(span.GetTagItem("gen_ai.operation.name"), "chat"))];
        Assert.Equal(2, chats.Length); // One round in front of each generation; the cache is in front of all.
        Assert.All(chats, span =>
        {
            Assert.Equal("cpumoe", span.GetTagItem("gen_ai.provider.name"));
            Assert.Equal("demo", span.GetTagItem("gen_ai.request.model"));
            Assert.Equal("demo", span.GetTagItem("gen_ai.response.model"));
            Assert.True((int)span.GetTagItem("gen_ai.usage.input_tokens")! > 50);
            Assert.True((int)span.GetTagItem("gen_ai.usage.output_tokens")! > 5);
        });
        Assert.Contains(lines.All, line => line.Contains("completed", StringComparison.Ordinal));

        async Task<ChatResponse> AskAsync() => streams
            ? await client.GetStreamingResponseAsync("What is the weather in Paris?", options, Cancellation).ToChatResponseAsync(Cancellation)
            : await client.GetResponseAsync("What is the weather in Paris?", options, Cancellation);
    }

    [Fact]
    public async Task The_container_closes_the_model()
    {
        ServiceCollection services = new();
        services.AddKeyedCpuMoe("small", options => options.ModelPath = TestData.DemoModel);
        LanguageModel model;
        await using (ServiceProvider provider = services.BuildServiceProvider())
        {
            IChatClient client = provider.GetRequiredKeyedService<IChatClient>("small");
            Assert.Same(client, provider.GetRequiredKeyedService<IChatClient>("small"));
            model = client.GetRequiredService<LanguageModel>();
        }

        Assert.Throws<ObjectDisposedException>(() => model.CreateSession());
    }

    private sealed class LogLines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> All { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => All.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
