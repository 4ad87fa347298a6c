using CpuMoe.Experts;
using CpuMoe.Gguf;

namespace CpuMoe.Models;

/// <summary>Where a model's weights are: all in the mapped file, or, where the budget is too small for that, the dense ones in memory and the experts paged.</summary>
internal sealed class WeightMemory : IDisposable
{
    /// <summary>What the process grows by while it runs, beside what is counted: the heap, compiled code, stacks.</summary>
    public const long Allowance = 48L << 20;

    /// <summary>Positions of an F16 cache that should fit beside a model that is mapped as a whole.</summary>
    public const int UsualPositions = 8192;

    private readonly GgufFile _file;
    private readonly ModelOptions _options;
    private readonly long _budget;
    private readonly long _fixedBytes;

    // Of a model that is mapped: what its weights leave for KV caches.
    private long _spare;
    private ReadQueue? _reads;
    private PagedExperts? _paged;
    private ExpertHistory? _history;

    /// <summary>Decides.</summary>
    /// <param name="file">The model.</param>
    /// <param name="options">The budget.</param>
    /// <param name="sizes">The weights.</param>
    /// <param name="scratchBytes">Memory of the model beside weights and caches.</param>
    /// <param name="kvBytesPerToken">Bytes of an F16 cache per position.</param>
    /// <param name="contextLength">The most positions of the model.</param>
    public WeightMemory(GgufFile file, ModelOptions options, WeightSizes sizes, long scratchBytes, long kvBytesPerToken, int contextLength)
    {
        _file = file;
        _options = options;

        // What is left for the process comes on top of what it has already.
        _budget = options.MemoryBudget.Resolve() + (options.MemoryBudget.IsAuto ? Environment.WorkingSet : 0);
        _fixedBytes = Environment.WorkingSet + Allowance + scratchBytes;
        long cache = kvBytesPerToken * Math.Min(contextLength, UsualPositions);
        _spare = _budget - _fixedBytes - sizes.Always - sizes.Routed - sizes.LookedUp;
        bool fits = _spare >= cache;
        if (sizes.Routed > 0 && (!fits || options.ExpertCacheBytes is not null))
        {
            Resident = new ResidentWeights();
        }
    }

    /// <summary>Where dense weights are read to; null where they are mapped.</summary>
    public ResidentWeights? Resident { get; }

    /// <summary>The experts, once <see cref="Load"/> was called.</summary>
    public IExpertSource Experts { get; private set; } = new MappedExperts([]);

    /// <summary>Opens the experts and reads the dense weights, where these are not mapped.</summary>
    /// <exception cref="MemoryBudgetException">The budget is too small.</exception>
    /// <exception cref="ExpertReadException">Dense weights could not be read.</exception>
    public void Load(ExpertLayer[] layers, int expertsUsed)
    {
        Experts = Resident is null ? new MappedExperts(layers) : LoadPaged(layers, expertsUsed, Resident);
        if (_options.ExpertTraceFile is { } path && layers.Length > 0)
        {
            IReadOnlyList<ExpertTraceLayer> traced = [.. layers.Select(layer => new ExpertTraceLayer(layer.Block, layer.BundleBytes))];
            Experts = new TracedExperts(Experts, ExpertTraceWriter.Create(path, layers[0].Count, expertsUsed, traced));
        }
    }

    /// <summary>Takes memory for a KV cache from the experts or, where all weights are mapped, from what these leave.</summary>
    /// <exception cref="MemoryBudgetException">The budget is too small.</exception>
    public void Reserve(long bytes, string what)
    {
        if (_options.ExpertCacheBytes is not null)
        {
            return;
        }

        long lacking = Resident is null ? Math.Max(0, -Interlocked.Add(ref _spare, -bytes)) : Experts.Reserve(bytes);
        if (lacking > 0)
        {
            if (Resident is null)
            {
                Interlocked.Add(ref _spare, bytes);
            }

            throw new MemoryBudgetException($"{what} of {bytes >> 20} MiB does not fit in the memory budget of {_budget >> 20} MiB beside the model", _budget + lacking);
        }
    }

    /// <summary>Gives back what <see cref="Reserve"/> took.</summary>
    public void Restore(long bytes)
    {
        if (_options.ExpertCacheBytes is not null)
        {
            return;
        }

        if (Resident is null)
        {
            Interlocked.Add(ref _spare, bytes);
        }
        else
        {
            Experts.Restore(bytes);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_paged?.Hottest() is { Length: > 0 } hottest)
        {
            _history?.Save(hottest);
        }

        // The readers write to memory of the others.
        _reads?.Dispose();
        Experts.Dispose();
        Resident?.Dispose();
    }

    private PagedExperts LoadPaged(ExpertLayer[] layers, int expertsUsed, ResidentWeights resident)
    {
        var plan = new SlotPlan(layers, expertsUsed);
        long cacheBytes = _options.ExpertCacheBytes ?? (_budget - _fixedBytes - resident.ByteCount);
        if (cacheBytes < plan.SmallestBytes)
        {
            throw new MemoryBudgetException(
                $"The dense weights of {_file.Path} ({resident.ByteCount >> 20} MiB), the experts of one token and the working memory do not fit in {Math.Max(0, _budget) >> 20} MiB",
                _budget - cacheBytes + plan.SmallestBytes);
        }

        _reads = new ReadQueue(_options.OpenReader is null ? FileReader.Open(_file) : _options.OpenReader(_file));
        resident.Load(_reads);
        _paged = new PagedExperts(layers, plan, cacheBytes, _reads);
        if (_options.WarmStartFolder is { } folder)
        {
            _history = new ExpertHistory(folder, _file, layers.Sum(layer => layer.Count));
            _paged.Preload(_history.Load());
        }

        return _paged;
    }
}
