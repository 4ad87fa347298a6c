using System.Diagnostics.Metrics;
using CpuMoe.Generation;
using CpuMoe.Serving;

namespace CpuMoe.Server.Operations;

/// <summary>What the server counts, as instruments of the meter <see cref="MeterName"/>; nothing in them tells of a prompt.</summary>
internal sealed class ServerMetrics
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "CpuMoe.Server";

    private static readonly InstrumentAdvice<double> Seconds = new() { HistogramBucketBoundaries = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000] };

    private static int _servers;

    private readonly Counter<long> _clientsGone;
    private readonly Histogram<double> _timeToFirstToken;
    private readonly Histogram<double> _queueTime;

    public ServerMetrics(IMeterFactory meters, ChatEngine engine)
    {
        // Several servers in one process would otherwise count into each other's instruments.
        int server = Interlocked.Increment(ref _servers);
        Meter meter = meters.Create(new MeterOptions(MeterName) { Tags = [new("server", server)] });
        Scheduler scheduler = engine.Scheduler;
        _clientsGone = meter.CreateCounter<long>("cpumoe_requests_aborted", description: "Requests whose client went away before the answer was complete.");
        _timeToFirstToken = meter.CreateHistogram("cpumoe_time_to_first_token_seconds", description: "Time from the admission of a request to its first token.", advice: Seconds);
        _queueTime = meter.CreateHistogram("cpumoe_queue_seconds", description: "Time that a request waited for a slot.", advice: Seconds);
        meter.CreateObservableCounter("cpumoe_prompt_tokens", () => scheduler.Statistics.PromptTokens, description: "Prompt tokens evaluated.");
        meter.CreateObservableCounter("cpumoe_prompt_cached_tokens", () => scheduler.Statistics.CachedTokens, description: "Prompt tokens that were still cached.");
        meter.CreateObservableCounter("cpumoe_prompt_seconds", () => scheduler.Statistics.PromptTime.TotalSeconds, description: "Time spent in passes that evaluated prompts.");
        meter.CreateObservableCounter("cpumoe_tokens_predicted", () => scheduler.Statistics.GeneratedTokens, description: "Tokens generated.");
        meter.CreateObservableCounter("cpumoe_tokens_predicted_seconds", () => scheduler.Statistics.DecodeTime.TotalSeconds, description: "Time spent in passes that only decoded.");
        meter.CreateObservableCounter("cpumoe_decode", () => scheduler.Statistics.Passes, description: "Passes over the weights.");
        meter.CreateObservableCounter("cpumoe_requests_completed", () => scheduler.Statistics.Completed, description: "Generations that ended by themselves.");
        meter.CreateObservableCounter("cpumoe_requests_failed", () => scheduler.Statistics.Failed, description: "Generations that ended with a fault.");
        meter.CreateObservableCounter("cpumoe_requests_cancelled", () => scheduler.Statistics.Cancelled, description: "Generations that were cancelled.");
        meter.CreateObservableCounter("cpumoe_requests_rejected", () => scheduler.Statistics.Rejected, description: "Requests refused because the queue was full.");
        if (scheduler.Model.Model.ExpertStatistics is not null)
        {
            meter.CreateObservableCounter("cpumoe_expert_cache_hits", () => scheduler.Model.Model.ExpertStatistics!.Hits.Sum(), description: "Experts asked for that were in memory.");
            meter.CreateObservableCounter("cpumoe_expert_cache_misses", () => scheduler.Model.Model.ExpertStatistics!.Misses.Sum(), description: "Experts asked for that had to be read.");
        }

        meter.CreateObservableGauge("cpumoe_requests_processing", () => scheduler.Statistics.Running, description: "Generations in slots.");
        meter.CreateObservableGauge("cpumoe_n_busy_slots_per_decode", () => BusySlots(scheduler.Statistics), description: "Slots that take part in a pass, on average.");
        meter.CreateObservableGauge("cpumoe_n_tokens_max", () => scheduler.Statistics.LongestSequence, description: "The most tokens that a slot has held.");
        meter.CreateObservableGauge("cpumoe_requests_deferred", () => scheduler.Statistics.Waiting, description: "Generations that wait for a slot.");
    }

    /// <summary>Counts a reply that is complete.</summary>
    public void ReplyComplete(GenerationTimings timings)
    {
        _timeToFirstToken.Record(timings.TimeToFirstToken.TotalSeconds);
        _queueTime.Record(timings.QueueTime.TotalSeconds);
    }

    /// <summary>Counts a request whose client went away.</summary>
    public void ClientGone() => _clientsGone.Add(1);

    private static double BusySlots(SchedulerStatistics statistics) => statistics.Passes == 0 ? 0 : (double)statistics.PassSlots / statistics.Passes;
}
