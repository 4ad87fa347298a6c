namespace CpuMoe.Experts;

/// <summary>How an expert cache of a given size is divided into slots.</summary>
internal sealed class SlotPlan
{
    /// <summary>Slots beyond the experts of a token: reads under way must not wait for those in use.</summary>
    private const int SpareSlots = 2;

    private readonly (long SlotBytes, int Layers, int Experts)[] _sizes;

    /// <param name="layers">The layers with experts.</param>
    /// <param name="expertsUsed">Experts per token and layer.</param>
    public SlotPlan(IReadOnlyList<ExpertLayer> layers, int expertsUsed)
        : this([.. layers.Select(layer => (ExpertSlot.BytesFor(layer), layer.Count))], expertsUsed)
    {
    }

    /// <param name="layers">For each layer with experts the bytes of a slot for one of them, and how many it has.</param>
    /// <param name="expertsUsed">Experts per token and layer.</param>
    public SlotPlan(IReadOnlyList<(long SlotBytes, int Experts)> layers, int expertsUsed)
    {
        ExpertsUsed = expertsUsed;
        _sizes = [.. layers.GroupBy(layer => layer.SlotBytes).OrderBy(size => size.Key).Select(size => (size.Key, size.Count(), size.Sum(layer => layer.Experts)))];
        PoolOfLayer = [.. layers.Select(layer => Array.FindIndex(_sizes, size => size.SlotBytes == layer.SlotBytes))];
    }

    /// <summary>Experts per token and layer.</summary>
    public int ExpertsUsed { get; }

    /// <summary>Which pool the experts of a layer belong to.</summary>
    public int[] PoolOfLayer { get; }

    /// <summary>Bytes for the fewest slots that work.</summary>
    public long SmallestBytes => _sizes.Sum(size => size.SlotBytes * FewestSlots(size.Experts));

    /// <summary>Bytes for all experts.</summary>
    public long AllBytes => _sizes.Sum(size => size.SlotBytes * size.Experts);

    /// <summary>Divides <paramref name="bytes"/>, at least <see cref="SmallestBytes"/>: every pool gets what it needs, and of the rest its share of all experts.</summary>
    public SlotPoolPlan[] Divide(long bytes)
    {
        double share = AllBytes > SmallestBytes ? Math.Clamp((bytes - SmallestBytes) / (double)(AllBytes - SmallestBytes), 0, 1) : 1;
        return
        [
            .. _sizes.Select(size =>
            {
                int fewest = FewestSlots(size.Experts);
                return new SlotPoolPlan(size.SlotBytes, size.Layers, size.Experts, fewest + (int)(share * (size.Experts - fewest)));
            }),
        ];
    }

    private int FewestSlots(int experts) => Math.Min(experts, ExpertsUsed + SpareSlots);
}
