using System.Diagnostics.Metrics;
using CpuMoe.Serving;

namespace CpuMoe.Server.Operations;

/// <summary>What the server counts, as instruments of the meter <see cref="MeterName"/>; nothing in them tells of a prompt.</summary>
internal sealed class ServerMetrics
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "CpuMoe.Server";

    private readonly Counter<long> _clientsGone;

    public ServerMetrics(IMeterFactory meters, ChatEngine engine)
    {
        Meter meter = meters.Create(MeterName);
        Scheduler scheduler = engine.Scheduler;
        _clientsGone = meter.CreateCounter<long>("cpumoe_requests_aborted", description: "Requests whose client went away before the answer was complete.");
        meter.CreateObservableCounter("cpumoe_prompt_tokens", () => scheduler.Statistics.PromptTokens, description: "Prompt tokens evaluated.");
        meter.CreateObservableCounter("cpumoe_prompt_cached_tokens", () => scheduler.Statistics.CachedTokens, description: "Prompt tokens that were still cached.");
        meter.CreateObservableCounter("cpumoe_prompt_seconds", () => scheduler.Statistics.PromptTime.TotalSeconds, description: "Time spent in passes that evaluated prompts.");
        meter.CreateObservableCounter("cpumoe_tokens_predicted", () => scheduler.Statistics.GeneratedTokens, description: "Tokens generated.");
        meter.CreateObservableCounter("cpumoe_tokens_predicted_seconds", () => scheduler.Statistics.DecodeTime.TotalSeconds, description: "Time spent in passes that only decoded.");
        meter.CreateObservableCounter("cpumoe_decode", () => scheduler.Statistics.Passes, description: "Passes over the weights.");
        meter.CreateObservableCounter("cpumoe_requests_completed", () => scheduler.Statistics.Completed, description: "Generations that ended by themselves.");
        meter.CreateObservableCounter("cpumoe_requests_cancelled", () => scheduler.Statistics.Cancelled, description: "Generations that were cancelled.");
        meter.CreateObservableCounter("cpumoe_requests_rejected", () => scheduler.Statistics.Rejected, description: "Requests refused because the queue was full.");
        meter.CreateObservableGauge("cpumoe_requests_processing", () => scheduler.Statistics.Running, description: "Generations in slots.");
        meter.CreateObservableGauge("cpumoe_requests_deferred", () => scheduler.Statistics.Waiting, description: "Generations that wait for a slot.");
    }

    /// <summary>Counts a request whose client went away.</summary>
    public void ClientGone() => _clientsGone.Add(1);
}
