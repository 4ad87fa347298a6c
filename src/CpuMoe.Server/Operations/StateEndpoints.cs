using System.Reflection;
using CpuMoe.Generation;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Hosting;
using CpuMoe.Serving;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Server.Operations;

/// <summary>Tells what the server runs and how busy it is.</summary>
internal static class StateEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static void Map(ApiRoutes routes, RequestDelegate scrape)
    {
        routes.MapGet("/props", AnswerPropsAsync);
        routes.MapGet("/slots", AnswerSlotsAsync);
        routes.MapGet("/metrics", call => scrape(call.Http));
    }

    private static Task AnswerPropsAsync(ApiCall call)
    {
        ServedModel model = call.Server.Models.Model;
        SamplerOptions defaults = new();
        SamplingSettings sampling = new(
            defaults.Temperature, defaults.TopK, defaults.TopP, defaults.MinP, defaults.RepeatPenalty, defaults.PenaltyWindow, defaults.PresencePenalty, defaults.FrequencyPenalty);
        string version = typeof(StateEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        PropsResponse props = new(
            new GenerationSettings(model.Scheduler.ContextLength, sampling),
            model.Scheduler.Statistics.Slots,
            model.Name,
            Path.GetFileName(model.Scheduler.Model.File.Path),
            model.Engine.Template.Source,
            $"cpumoe {version}",
            new Modalities(Vision: false, Audio: false));
        return call.WriteJsonAsync(props, OperationsJson.Default.PropsResponse);
    }

    private static Task AnswerSlotsAsync(ApiCall call)
    {
        Scheduler scheduler = call.Server.Models.Model.Scheduler;
        SchedulerStatistics statistics = scheduler.Statistics;
        if (call.Http.Request.Query["fail_on_no_slot"] == "1" && statistics.Running >= statistics.Slots)
        {
            throw new ApiException(new ApiError(ApiErrorKind.NoSlot, "No slot is free.") { RetryAfter = TimeSpan.FromSeconds(1) });
        }

        SlotResponse[] slots = [.. scheduler.Slots.Select(slot => Describe(slot, scheduler.ContextLength))];
        return call.WriteJsonAsync(slots, OperationsJson.Default.SlotResponseArray);
    }

    private static SlotResponse Describe(SlotState slot, int contextLength) => new(
        slot.Slot, slot.Job, contextLength, slot.Job is not null, slot.HeldTokens, slot.PromptTokens, new NextTokenResponse(slot.GeneratedTokens, slot.RemainingTokens));
}
