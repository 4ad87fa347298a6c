using CpuMoe.Experts;
using CpuMoe.Models;

namespace CpuMoe.Fitting;

/// <summary>How the memory of a process is divided among the parts of a model, as <see cref="WeightMemory"/> does it.</summary>
internal sealed class MemoryPlan
{
    // An estimate: a process with the vocabulary of GLM-4.5 before it has any weights, and what it grows by.
    private const long ProcessBytes = (144L << 20) + WeightMemory.Allowance;

    private readonly SlotPlan _slots;
    private readonly long _pagedFixedBytes;

    public MemoryPlan(ModelOutline model, FitOptions options)
    {
        Glm4MoeConfig config = model.Config;
        var weights = WeightSizes.Of([.. model.Tensors.Select(tensor => (tensor.Name, tensor.ByteCount))], config.TrunkBlocks);

        // A model is mapped as a whole only where an F16 cache of the usual length fits beside it.
        long cache = Math.Max(
            KvBytes(config, options.KvType) * options.ContextLength, KvBytes(config, KvType.F16) * Math.Min(config.ContextLength, WeightMemory.UsualPositions));
        using var scratch = new Glm4MoeScratch(config, new ModelOptions().BatchSize);
        long fixedBytes = ProcessBytes + scratch.ByteCount + cache;
        _slots = new SlotPlan([.. SlotBytes(model)], config.Router.ExpertsUsed);
        _pagedFixedBytes = fixedBytes - cache + (KvBytes(config, options.KvType) * options.ContextLength) + weights.Always;
        Weights = weights;
        ResidentBytes = fixedBytes + weights.Always + weights.Routed + weights.LookedUp;
        SmallestBytes = Math.Min(ResidentBytes, _pagedFixedBytes + _slots.SmallestBytes);
    }

    /// <summary>The weights by use.</summary>
    public WeightSizes Weights { get; }

    /// <summary>All weights in memory.</summary>
    public long ResidentBytes { get; }

    /// <summary>As few experts in memory as work.</summary>
    public long SmallestBytes { get; }

    /// <summary>The share of the experts that are in memory, 0 to 1; null where the model does not run.</summary>
    /// <param name="memoryBytes">What the process may use.</param>
    public double? ResidentShare(long memoryBytes)
    {
        if (memoryBytes >= ResidentBytes)
        {
            return 1;
        }

        if (memoryBytes < SmallestBytes)
        {
            return null;
        }

        SlotPoolPlan[] pools = _slots.Divide(memoryBytes - _pagedFixedBytes);

        // Paged even where all slots would just fit: embeddings and the usual cache do not.
        return Math.Min(0.999, (double)pools.Sum(pool => pool.Slots) / pools.Sum(pool => pool.Experts));
    }

    private static long KvBytes(Glm4MoeConfig config, KvType type) => KvCache.BytesPerToken(
        config.TrunkBlocks, config.Attention.KeyValueHeads, config.Attention.KeyLength, config.Attention.ValueLength, type);

    /// <summary>Of every trunk block with experts the bytes of a slot, and the number of experts.</summary>
    private static IEnumerable<(long SlotBytes, int Experts)> SlotBytes(ModelOutline model) => model.Tensors
        .Where(tensor => WeightSizes.UseOf(tensor.Name, model.Config.TrunkBlocks, model.IsTied) == WeightUse.Routed)
        .GroupBy(tensor => WeightSizes.BlockOf(tensor.Name))
        .Select(block =>
        {
            int experts = model.Config.ExpertCount;
            long down = block.Where(IsDown).Sum(tensor => tensor.ByteCount) / experts;
            long half = block.Where(tensor => !IsDown(tensor)).Sum(tensor => tensor.ByteCount) / experts / 2;
            return (ExpertSlot.BytesFor(half, half, down), experts);
        });

    private static bool IsDown(OutlineTensor tensor) => tensor.Name.Contains("ffn_down", StringComparison.Ordinal);
}
