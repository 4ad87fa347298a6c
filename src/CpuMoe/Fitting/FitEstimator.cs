namespace CpuMoe.Fitting;

/// <summary>Estimates memory and speed of a model on a machine without running it.</summary>
/// <remarks>
/// Time of a token = for each format the larger of bytes / bandwidth and bytes / rate of its kernel, plus an overhead per
/// step, plus attention over the context. Where experts are paged, those not in memory are read while those that are
/// compute: the longer of the two counts, and the computation of what came last.
/// </remarks>
/// <param name="machine">The machine.</param>
/// <param name="options">Context and memory.</param>
public sealed class FitEstimator(MachineProfile machine, FitOptions options)
{
    /// <summary>The prompt that prefill is estimated for: one batch.</summary>
    public const int PromptTokens = 512;

    // Share of experts in memory to the power of this. On the traces of perf/RESULTS.md (a quarter, a half, three quarters
    // of the experts) it expects 0.78 to 1.6 times the misses of the shipped policy: 0.78 of those of a model of random
    // weights, whose experts repeat by chance only (a power of 1), more than those of trained ones (0.42 to 0.82).
    private const double HitPower = 0.7;

    /// <summary>The expected share of expert requests that are found in memory.</summary>
    /// <param name="residentShare">The share of the experts that are there, 0 to 1.</param>
    /// <returns>0 to 1, never below <paramref name="residentShare"/>.</returns>
    public static double HitRate(double residentShare) => Math.Pow(residentShare, HitPower);

    /// <summary>Estimates.</summary>
    /// <exception cref="FitException">The machine has no figures for a format of the model.</exception>
    public FitEstimate Estimate(ModelOutline model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var plan = new MemoryPlan(model, options);
        var cost = new PassCost(model, machine);
        double always = cost.DecodeAlways(options.ContextLength, options.KvType);
        double routed = cost.DecodeRouted();
        double prefill = cost.Prefill(PromptTokens);
        var resident = new FitSpeed(1 / (always + routed), PromptTokens / prefill);
        double expertsUsed = model.Config.Router.ExpertsUsed;
        double routedBytes = plan.Weights.Routed * expertsUsed / model.Config.ExpertCount;
        double? share = plan.ResidentShare(options.MemoryBytes ?? machine.MemoryBytes);
        double? hitRate = share is { } part ? HitRate(part) : null;
        FitSpeed? paged = null;
        if (hitRate < 1 && machine.DiskBytesPerSecond is { } disk)
        {
            double reading = (1 - hitRate.Value) * routedBytes / disk;
            double decode = always + Math.Max(routed, reading + (routed / expertsUsed));

            // A batch of this size uses every expert of a layer; what is in memory at its start need not be read.
            double readingAll = (1 - share!.Value) * plan.Weights.Routed / disk;
            paged = new FitSpeed(1 / decode, PromptTokens / Math.Max(prefill, readingAll + (prefill / model.Config.ExpertCount)));
        }

        FitSpeed? expected = hitRate == 1 ? resident : paged;
        return new FitEstimate(
            model.FileBytes,
            plan.ResidentBytes,
            plan.SmallestBytes,
            plan.Weights.Always + (plan.Weights.Routed / model.Config.ExpertCount * model.Config.Router.ExpertsUsed),
            resident,
            paged,
            hitRate,
            GradeThreshold.Of(expected?.Decode ?? 0, expected?.Prefill ?? 0));
    }
}
