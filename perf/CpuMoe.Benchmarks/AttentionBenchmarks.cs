using BenchmarkDotNet.Attributes;
using CpuMoe.Compute;

namespace CpuMoe.Benchmarks;

/// <summary>
/// One layer of attention of GLM-4.5-Air on one thread: a token, and a batch, behind a context. A token takes
/// Depth * 96 * 256 multiply-adds.
/// </summary>
public unsafe class AttentionBenchmarks : IDisposable
{
    private static readonly AttentionShape Shape = new(Heads: 96, KeyValueHeads: 8, KeyLength: 128, ValueLength: 128);

    private WorkerPool _pool = null!;
    private Attention _attention = null!;
    private NativeBuffer<byte> _keys = null!;
    private NativeBuffer<byte> _values = null!;
    private NativeBuffer<float> _queries = null!;
    private NativeBuffer<float> _output = null!;
    private KeyValueView _cache;

    [Params("F16", "Q8_0")]
    public string Cache { get; set; } = "";

    [Params(512, 8192)]
    public int Depth { get; set; }

    [Params(1, 64)]
    public int Tokens { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        KvFormat format = Cache == "F16" ? KvFormat.F16 : KvFormat.Q8;
        _pool = new WorkerPool(1);
        _attention = new Attention(_pool, Shape);
        long headBytes = (long)(Depth + Tokens) * format.VectorBytes(Shape.KeyLength);
        _keys = new NativeBuffer<byte>(Shape.KeyValueHeads * headBytes);
        _values = new NativeBuffer<byte>(Shape.KeyValueHeads * headBytes);
        _queries = new NativeBuffer<float>(Tokens * Shape.Heads * Shape.KeyLength);
        _output = new NativeBuffer<float>(Tokens * Shape.Heads * Shape.ValueLength);
        var random = new Random(1);
        float* vector = _queries.Pointer;
        for (long offset = 0; offset < _keys.Length; offset += format.VectorBytes(Shape.KeyLength))
        {
            Fill(random, vector, Shape.KeyLength);
            format.Store(vector, _keys.Pointer + offset, Shape.KeyLength);
            format.Store(vector, _values.Pointer + offset, Shape.ValueLength);
        }

        Fill(random, _queries.Pointer, (int)_queries.Length);
        _cache = new KeyValueView(format, _keys.Pointer, _values.Pointer, headBytes, headBytes);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _attention.Dispose();
        _pool.Dispose();
        _keys.Dispose();
        _values.Dispose();
        _queries.Dispose();
        _output.Dispose();
    }

    [Benchmark]
    public void Run()
    {
        _attention.Add(_cache, _queries.Pointer, _output.Pointer, Depth, Tokens);
        _attention.Run();
    }

    private static void Fill(Random random, float* values, int count)
    {
        for (int i = 0; i < count; i++)
        {
            values[i] = (2 * random.NextSingle()) - 1;
        }
    }
}
