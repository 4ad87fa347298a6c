using CpuMoe.Compute;

namespace CpuMoe.Diagnostics;

/// <summary>Measures attention over an F16 cache, in the shape of GLM-4.5.</summary>
internal static unsafe class AttentionProbe
{
    // Longer than a cache holds: keys and values of one layer are 64 MiB.
    private const int Positions = 16384;
    private const int BatchTokens = 256;

    private static readonly AttentionShape Shape = new(Heads: 96, KeyValueHeads: 8, KeyLength: 128, ValueLength: 128);

    /// <summary>Multiply-adds per second of one token over a long cache, and of a batch of tokens on itself.</summary>
    /// <param name="threads">Threads that compute; 0 means one per physical core.</param>
    /// <param name="patience">How long to go on without improvement.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    public static (double Decode, double Prefill) Measure(int threads, TimeSpan patience, CancellationToken cancellationToken)
    {
        KvFormat format = KvFormat.F16;
        long headBytes = (long)Positions * format.VectorBytes(Shape.KeyLength);
        using var pool = new WorkerPool(threads);
        using var attention = new Attention(pool, Shape);
        using var stored = new NativeBuffer<byte>(2 * headBytes * Shape.KeyValueHeads);
        using var queries = new NativeBuffer<float>((long)BatchTokens * Shape.Heads * Shape.KeyLength);
        using var output = new NativeBuffer<float>((long)BatchTokens * Shape.Heads * Shape.ValueLength);
        new Span<Half>(stored.Pointer, (int)(stored.Length / sizeof(Half))).Fill((Half)0.25f);
        new Span<float>(queries.Pointer, (int)queries.Length).Fill(0.25f);
        var view = new KeyValueView(format, stored.Pointer, stored.Pointer + (headBytes * Shape.KeyValueHeads), headBytes, headBytes);
        double perPair = Shape.Heads * (Shape.KeyLength + Shape.ValueLength);
        TimeSpan one = BestTime.Of(() => Attend(Positions - 1, 1), patience, cancellationToken);
        TimeSpan batch = BestTime.Of(() => Attend(0, BatchTokens), patience, cancellationToken);
        return (perPair * Positions / one.TotalSeconds, perPair * BatchTokens * (BatchTokens + 1) / 2 / batch.TotalSeconds);

        void Attend(int firstPosition, int tokens)
        {
            attention.Add(view, queries.Pointer, output.Pointer, firstPosition, tokens);
            attention.Run();
        }
    }
}
