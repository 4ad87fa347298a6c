using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Experts;

/// <summary>Tensors that are read into memory of their own, which the system does not evict as it does pages of a file.</summary>
internal sealed unsafe class ResidentWeights : IDisposable
{
    private readonly List<(GgufTensor Tensor, NativeBuffer<byte> Memory)> _tensors = [];

    /// <summary>Bytes of all tensors.</summary>
    public long ByteCount { get; private set; }

    /// <summary>Where the tensor will be once <see cref="Load"/> was called; memory is taken only then.</summary>
    public byte* Place(GgufTensor tensor)
    {
        var memory = new NativeBuffer<byte>(ReadJob.MemoryFor(tensor.ByteCount), ReadJob.Alignment);
        LinuxCalls.PreferHugePages(memory.Pointer, memory.Length);
        _tensors.Add((tensor, memory));
        ByteCount += memory.Length;
        return ReadJob.Place(memory.Pointer, tensor.FileOffset);
    }

    /// <summary>Reads all tensors.</summary>
    /// <exception cref="ExpertReadException">One could not be read.</exception>
    public void Load(ReadQueue reads)
    {
        using var unfinished = new CountdownEvent(_tensors.Count + 1);
        ReadJob[] jobs = [.. _tensors.Select(_ => new ReadJob(_ => unfinished.Signal()))];
        for (int i = 0; i < jobs.Length; i++)
        {
            (GgufTensor tensor, NativeBuffer<byte> memory) = _tensors[i];
            jobs[i].Add(tensor.Shard, tensor.FileOffset, tensor.ByteCount, ReadJob.Place(memory.Pointer, tensor.FileOffset), tensor.Name);
            reads.Enqueue(jobs[i], background: false);
        }

        unfinished.Signal();
        unfinished.Wait();
        if (Array.Find(jobs, job => job.Fault is not null) is { Fault: { } fault })
        {
            throw fault;
        }
    }

    public void Dispose() => _tensors.ForEach(tensor => tensor.Memory.Dispose());
}
