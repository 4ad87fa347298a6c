using CpuMoe.Compute;

namespace CpuMoe.Experts;

/// <summary>What a slot holds.</summary>
internal enum SlotState
{
    Empty,
    Loading,
    Ready,
    Failed,
}

/// <summary>A place in memory for one expert: its gate, up and down matrices one after the other.</summary>
/// <remarks>Changed only under the lock of the <see cref="PagedExperts"/> it belongs to.</remarks>
internal sealed unsafe class ExpertSlot
{
    private readonly byte* _memory;

    /// <param name="index">The number of the slot in its pool.</param>
    /// <param name="memory">Its memory, of <see cref="BytesFor(ExpertLayer)"/> bytes, aligned to <see cref="ReadJob.Alignment"/>.</param>
    /// <param name="completed">Called by a reading thread when a read has ended.</param>
    public ExpertSlot(int index, byte* memory, Action<ExpertSlot> completed)
    {
        Index = index;
        _memory = memory;
        Job = new ReadJob(_ => completed(this));
    }

    /// <summary>The number of the slot in its pool.</summary>
    public int Index { get; }

    /// <summary>The read that fills it.</summary>
    public ReadJob Job { get; }

    /// <summary>What it holds.</summary>
    public SlotState State { get; set; }

    /// <summary>The key of its expert.</summary>
    public int Key { get; private set; }


    /// <summary>Whether it is being read in the background, for no pass.</summary>
    public bool IsPreload { get; set; }

    /// <summary>Memory for an expert of a layer.</summary>
    public static long BytesFor(ExpertLayer layer) => BytesFor(layer.Gate.ByteCount, layer.Up.ByteCount, layer.Down.ByteCount);

    /// <summary>Memory for an expert whose matrices have these sizes in bytes.</summary>
    public static long BytesFor(long gate, long up, long down) => ReadJob.MemoryFor(gate) + ReadJob.MemoryFor(up) + ReadJob.MemoryFor(down);

    /// <summary>Prepares the read of an expert.</summary>
    public void Prepare(int key, ExpertLayer layer, int expert)
    {
        Key = key;
        State = SlotState.Loading;
        IsPreload = false;
        Job.Clear();
        Add(layer.Gate, 0);
        Add(layer.Up, ReadJob.MemoryFor(layer.Gate.ByteCount));
        Add(layer.Down, ReadJob.MemoryFor(layer.Gate.ByteCount) + ReadJob.MemoryFor(layer.Up.ByteCount));

        void Add(ExpertMatrix matrix, long place)
        {
            long offset = matrix.FileOffset(expert);
            Job.Add(matrix.Shard, offset, matrix.ByteCount, ReadJob.Place(_memory + place, offset), matrix.Name);
        }
    }

    /// <summary>The expert, once it is <see cref="SlotState.Ready"/>.</summary>
    public FeedForwardWeights Weights(ExpertLayer layer, int expert)
    {
        byte* up = _memory + ReadJob.MemoryFor(layer.Gate.ByteCount);
        byte* down = up + ReadJob.MemoryFor(layer.Up.ByteCount);
        return new FeedForwardWeights(
            layer.Gate.At(ReadJob.Place(_memory, layer.Gate.FileOffset(expert))),
            layer.Up.At(ReadJob.Place(up, layer.Up.FileOffset(expert))),
            layer.Down.At(ReadJob.Place(down, layer.Down.FileOffset(expert))));
    }
}
