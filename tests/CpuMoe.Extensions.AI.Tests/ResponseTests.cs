using CpuMoe.Generation;
using CpuMoe.Serving;
using Microsoft.Extensions.AI;
using ChatFinishReason = Microsoft.Extensions.AI.ChatFinishReason;

namespace CpuMoe.Extensions.AI.Tests;

/// <summary>What a response is made of.</summary>
public class ResponseTests(DemoClient demo)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Thought_and_answer_come_apart_in_one_message()
    {
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in demo.Client.GetStreamingResponseAsync(DemoClient.France, cancellationToken: Cancellation))
        {
            updates.Add(update);
        }

        Assert.True(updates.Count > 10, "The reply did not come in pieces.");
        Assert.Equal(DemoClient.FranceThought, string.Concat(updates.SelectMany(update => update.Contents).OfType<TextReasoningContent>()));
        Assert.Equal(DemoClient.FranceAnswer, string.Concat(updates.Select(update => update.Text)));
        Assert.Single(updates.Select(update => (update.MessageId, update.ResponseId, update.ModelId, update.CreatedAt, update.Role)).Distinct());
        Assert.NotNull(updates[0].MessageId);
        Assert.Equal(("demo-Q4_K_M", ChatRole.Assistant), (updates[0].ModelId, updates[0].Role));
        Assert.All(updates.SkipLast(1), update => Assert.Null(update.FinishReason));
        Assert.Equal(ChatFinishReason.Stop, updates[^1].FinishReason);
        UsageDetails usage = Assert.Single(updates[^1].Contents.OfType<UsageContent>()).Details;
        Assert.Equal((13, 31, 44), (usage.InputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount));
        Assert.InRange(usage.ReasoningTokenCount!.Value, 10, 25);
    }

    [Fact]
    public async Task Not_streamed_it_is_the_same()
    {
        ChatResponse response = await demo.Client.GetResponseAsync(DemoClient.France, cancellationToken: Cancellation);

        ChatMessage message = Assert.Single(response.Messages);
        Assert.Equal(DemoClient.FranceThought, Assert.IsType<TextReasoningContent>(message.Contents[0]).Text);
        Assert.Equal(DemoClient.FranceAnswer, Assert.IsType<TextContent>(message.Contents[1]).Text);
        Assert.Equal(2, message.Contents.Count);
        Assert.Equal(("demo-Q4_K_M", ChatFinishReason.Stop), (response.ModelId, response.FinishReason));
        Assert.NotNull(response.ResponseId);
        Assert.NotNull(message.MessageId);
        Assert.NotNull(response.CreatedAt);
        Assert.Equal((13, 31), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount));
        Assert.Equal(31, Assert.IsType<ChatFinish>(response.RawRepresentation).Timings.GeneratedTokens);
    }

    [Fact]
    public async Task A_later_turn_evaluates_only_what_is_new()
    {
        await using CpuMoeChatClient own = DemoClient.Create();
        List<ChatMessage> messages = [new(ChatRole.User, "My name is Ana.")];
        ChatResponse first = await own.GetResponseAsync(messages, DemoClient.Direct, Cancellation);
        messages.AddMessages(first);
        messages.Add(new(ChatRole.User, "What is my name?"));
        ChatResponse second = await own.GetResponseAsync(messages, DemoClient.Direct, Cancellation);

        Assert.Contains("Ana", second.Text, StringComparison.Ordinal);
        Assert.InRange(second.Usage!.CachedInputTokenCount!.Value, first.Usage!.InputTokenCount!.Value, second.Usage.InputTokenCount!.Value - 1);
    }

    [Fact]
    public async Task Nothing_happens_before_the_enumeration_and_leaving_it_stops_the_work()
    {
        await using CpuMoeChatClient own = DemoClient.Create();
        IAsyncEnumerable<ChatResponseUpdate> updates = own.GetStreamingResponseAsync("Tell me a story.", DemoClient.Endless, Cancellation);
        Assert.Equal(0, (await DemoClient.IdleAsync(own)).Passes);
        await foreach (ChatResponseUpdate _ in updates)
        {
            break;
        }

        SchedulerStatistics after = await DemoClient.IdleAsync(own);
        Assert.Equal((0L, 1L), (after.Completed, after.Cancelled));
        Assert.Equal(DemoClient.FranceAnswer, (await own.GetResponseAsync(DemoClient.France, DemoClient.Direct, Cancellation)).Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cancelling_throws_and_frees_the_slot(bool streams)
    {
        await using CpuMoeChatClient own = DemoClient.Create();
        using CancellationTokenSource source = new();
        Task running = streams
            ? own.GetStreamingResponseAsync("Tell me a story.", DemoClient.Endless, source.Token).ToChatResponseAsync(CancellationToken.None)
            : own.GetResponseAsync("Tell me a story.", DemoClient.Endless, source.Token);
        while (own.GetRequiredService<Scheduler>().Statistics.GeneratedTokens < 3 && !running.IsCompleted)
        {
            await Task.Delay(1, Cancellation);
        }

        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(1, (await DemoClient.IdleAsync(own)).Cancelled);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => own.GetResponseAsync("x", cancellationToken: source.Token));
    }

    [Fact]
    public async Task Eight_at_once_are_as_if_alone()
    {
        string[] questions = [.. new[] { "France", "Japan", "Italy", "Spain", "Germany", "Egypt", "Peru", "Norway" }.Select(country => $"What is the capital of {country}?")];
        string[] alone = new string[questions.Length];
        for (int i = 0; i < alone.Length; i++)
        {
            alone[i] = Describe(await demo.Client.GetResponseAsync(questions[i], cancellationToken: Cancellation));
        }

        string[] together = [.. (await Task.WhenAll(questions.Select(question => demo.Client.GetResponseAsync(question, cancellationToken: Cancellation)))).Select(Describe)];

        Assert.Equal(8, alone.Distinct().Count());
        Assert.Equal(alone, together);

        static string Describe(ChatResponse response) =>
            string.Join('|', response.Messages[0].Contents.Select(content => $"{content.GetType().Name}: {content}")) + response.Usage!.OutputTokenCount;
    }

    [Fact]
    public async Task A_full_queue_refuses()
    {
        CpuMoeOptions options = DemoClient.Options();
        options.Scheduler = options.Scheduler with { QueueLength = 0 };
        await using CpuMoeChatClient own = new(options);
        await using IAsyncEnumerator<ChatResponseUpdate> first = own.GetStreamingResponseAsync("Tell me a story.", DemoClient.Endless, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await first.MoveNextAsync());

        await Assert.ThrowsAsync<SchedulerBusyException>(() => own.GetResponseAsync("x", cancellationToken: Cancellation));
    }

    [Fact]
    public async Task Services_are_found_and_dispose_closes_only_what_the_client_loaded()
    {
        CpuMoeChatClient owner = DemoClient.Create();
        ChatEngine engine = owner.GetRequiredService<ChatEngine>();
        CpuMoeChatClient guest = new(engine, new CpuMoeOptions { ModelId = "glm" });
        ChatClientMetadata metadata = guest.GetRequiredService<ChatClientMetadata>();
        Assert.Equal(("cpumoe", "glm", null), (metadata.ProviderName, metadata.DefaultModelId, metadata.ProviderUri));
        Assert.Same(guest, guest.GetService<IChatClient>());
        Assert.Same(engine.Scheduler.Model, guest.GetService<LanguageModel>());
        Assert.Null(guest.GetService(typeof(IChatClient), "key"));
        Assert.Null(guest.GetService<string>());

        guest.Dispose();
        guest.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => guest.GetResponseAsync("x", cancellationToken: Cancellation));
        Assert.Equal(DemoClient.FranceThought, Assert.IsType<TextReasoningContent>((await owner.GetResponseAsync(DemoClient.France, cancellationToken: Cancellation)).Messages[0].Contents[0]).Text);
        owner.Dispose();
        owner.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => owner.GetResponseAsync("x", cancellationToken: Cancellation));
    }

    [Fact]
    public void Without_a_usable_model_there_is_no_client()
    {
        Assert.Contains("ModelPath", Assert.Throws<ArgumentException>(() => new CpuMoeChatClient(new CpuMoeOptions())).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => new CpuMoeChatClient(new CpuMoeOptions { ModelPath = "none.gguf" }));
        CpuMoeOptions options = DemoClient.Options(contextLength: 1_000_000);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CpuMoeChatClient(options));
        Assert.Equal("GLM-4.5-Air-Q4_K_M", ModelName.Of("/models/GLM-4.5-Air-Q4_K_M-00001-of-00002.gguf"));
    }
}
