using System.ComponentModel;
using CpuMoe.Extensions.AI.Tests;
using CpuMoe.Generation;
using CpuMoe.Serving;
using CpuMoe.Testing;
using Microsoft.Extensions.AI;

[assembly: AssemblyFixture(typeof(DemoClient))]

namespace CpuMoe.Extensions.AI.Tests;

/// <summary>A client on the bundled model with four slots, greedy unless a request says otherwise.</summary>
public sealed class DemoClient : IAsyncDisposable
{
    public const string France = "What is the capital of France?";
    public const string FranceAnswer = "The capital of France is Paris.";
    public const string FranceThought = "The user asks for the capital of France. It is Paris.";

    /// <summary>Does not think.</summary>
    public static ChatOptions Direct => new() { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None } };

    public CpuMoeChatClient Client { get; } = Create(slots: 4);

    public static CpuMoeChatClient Create(int slots = 1, int contextLength = 1024) => new(Options(slots, contextLength));

    public static CpuMoeOptions Options(int slots = 1, int contextLength = 1024) => new()
    {
        ModelPath = TestData.DemoModel,
        Generation = new GenerationOptions { Sampling = SamplerOptions.Greedy },
        Scheduler = new SchedulerOptions { Slots = slots, ContextLength = contextLength },
    };

    /// <summary>The tool that the model was trained on; <paramref name="asked"/> gets the cities.</summary>
    public static AIFunction Weather(ICollection<string> asked)
    {
        return AIFunctionFactory.Create(Get, "get_weather", "Get the current weather for a city.");

        object Get([Description("The name of the city.")] string city)
        {
            asked.Add(city);
            return new { city, temperature = 17, condition = "cloudy" };
        }
    }

    /// <summary>Options whose reply only a limit or a cancellation ends.</summary>
    public static ChatOptions Endless => new() { RawRepresentationFactory = _ => new GenerationOptions { IgnoreEndOfGeneration = true } };

    /// <summary>Waits until nothing runs or waits.</summary>
    public static async Task<SchedulerStatistics> IdleAsync(IChatClient client)
    {
        Scheduler scheduler = client.GetRequiredService<Scheduler>();
        for (int i = 0; i < 10_000; i++)
        {
            if (scheduler.Statistics is { Running: 0, Waiting: 0 } idle)
            {
                return idle;
            }

            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        throw new TimeoutException("The scheduler does not come to rest.");
    }

    public ValueTask DisposeAsync() => Client.DisposeAsync();
}
