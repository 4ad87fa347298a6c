using CpuMoe.Compute;

namespace CpuMoe.Tests.Compute;

/// <summary>Attention against the definition with all scores written out, in double precision.</summary>
public unsafe class AttentionTests
{
    /// <summary>Heads, key/value heads, key length, value length.</summary>
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        { 1, 1, 32, 32 },
        { 4, 4, 64, 64 },
        { 12, 1, 128, 128 },
        { 6, 2, 64, 32 },
        { 24, 2, 32, 96 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void MatchesTheDefinition(int heads, int keyValueHeads, int keyLength, int valueLength)
    {
        var shape = new AttentionShape(heads, keyValueHeads, keyLength, valueLength);
        foreach (KvFormat format in (KvFormat[])[KvFormat.F32, KvFormat.F16, KvFormat.Q8])
        {
            // Blocks have 64 positions, and tiles 16 tokens with 12 queries per head: single tokens, whole and part tiles,
            // starts before, on, behind and in the middle of a block border, and batches that cross several borders.
            foreach ((int first, int tokens) in ((int, int)[])[(0, 1), (0, 8), (0, 9), (63, 1), (64, 1), (65, 1), (60, 8), (63, 3), (37, 100), (130, 17), (5, 200)])
            {
                Check(shape, format, first, tokens, scoreSize: 1);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(12)]
    [InlineData(100)]
    public void MatchesTheDefinitionAcrossSpans(int group)
    {
        var shape = new AttentionShape(2 * group, 2, 32, 32);
        foreach ((int first, int tokens) in ((int, int)[])[
            (Attention.SpanLength - 1, 1), (Attention.SpanLength, 1), (2 * Attention.SpanLength, 2), (Attention.SpanLength - 2, 5), (Attention.SpanLength - 30, 60), (1500, 1)])
        {
            Check(shape, KvFormat.F16, first, tokens, scoreSize: 4);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(6, 5)]
    [InlineData(39, 33)]
    public void SizesNeedNotFillRegisters(int keyLength, int valueLength)
    {
        foreach (KvFormat format in (KvFormat[])[KvFormat.F32, KvFormat.F16])
        {
            Check(new AttentionShape(10, 2, keyLength, valueLength), format, 50, 30, scoreSize: 1);
        }
    }

    [Fact]
    public void OneAttentionServesShortAndLongContextsInTurn()
    {
        var shape = new AttentionShape(4, 2, 32, 32);
        using var data = new Data(shape, KvFormat.Q8, positions: 1200, scoreSize: 3);
        using var pool = new WorkerPool(2);
        using var attention = new Attention(pool, shape);
        float[] queries = RandomBlocks.Floats(new Random(3), 70 * shape.Heads * shape.KeyLength);
        foreach ((int first, int tokens) in ((int, int)[])[(0, 1), (1199, 1), (30, 3), (1100, 70), (5, 1), (0, 70)])
        {
            Assert.Equal(Run(data, queries, first, tokens, threads: 1), Run(attention, data, queries, first, tokens));
        }
    }

    [Theory]
    [InlineData(30)]
    [InlineData(300)]
    public void LargeScoresDoNotOverflow(float scoreSize) =>
        Check(new AttentionShape(4, 2, 32, 32), KvFormat.F32, 100, 10, scoreSize);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void ATokenGivesTheSameBitsAloneAndInABatch(int threads)
    {
        const int Positions = (2 * Attention.SpanLength) + 70;
        var shape = new AttentionShape(6, 2, 40, 24);
        using var data = new Data(shape, KvFormat.F16, Positions, scoreSize: 3);
        float[] queries = RandomBlocks.Floats(new Random(9), Positions * shape.Heads * shape.KeyLength);
        float[] batch = Run(data, queries, 0, Positions, threads);
        int perQuery = shape.Heads * shape.KeyLength;
        int perOutput = shape.Heads * shape.ValueLength;
        foreach ((int first, int tokens) in ((int, int)[])[(149, 1), (3, 10), (64, 65), (Attention.SpanLength, 1), (Attention.SpanLength - 4, 8), (Positions - 1, 1), (Positions - 100, 100)])
        {
            float[] part = Run(data, queries[(first * perQuery)..((first + tokens) * perQuery)], first, tokens, threads: 1);
            Assert.Equal(batch[(first * perOutput)..((first + tokens) * perOutput)], part);
        }
    }

    private static void Check(AttentionShape shape, KvFormat format, int first, int tokens, float scoreSize)
    {
        using var data = new Data(shape, format, first + tokens, scoreSize);
        float[] queries = RandomBlocks.Floats(new Random(first + tokens), tokens * shape.Heads * shape.KeyLength, 2);
        float[] actual = Run(data, queries, first, tokens, threads: 3);
        double[] expected = [.. Enumerable.Range(0, tokens * shape.Heads).SelectMany(i => Reference(
            shape, data, queries.AsSpan(i * shape.KeyLength, shape.KeyLength), i % shape.Heads / (shape.Heads / shape.KeyValueHeads), first + (i / shape.Heads)))];
        Near.Equal(expected, actual, 2e-6 * scoreSize, $"{format.GetType().Name} {first}+{tokens}");
    }

    private static double[] Reference(AttentionShape shape, Data data, ReadOnlySpan<float> query, int head, int position)
    {
        double[] scores = new double[position + 1];
        for (int j = 0; j <= position; j++)
        {
            float[] key = data.Key(head, j);
            for (int c = 0; c < shape.KeyLength; c++)
            {
                scores[j] += query[c] * (double)key[c];
            }

            scores[j] /= Math.Sqrt(shape.KeyLength);
        }

        double largest = scores.Max();
        double[] p = [.. scores.Select(s => Math.Exp(s - largest))];
        double sum = p.Sum();
        double[] output = new double[shape.ValueLength];
        for (int j = 0; j <= position; j++)
        {
            float[] value = data.Value(head, j);
            double weight = p[j] / sum;
            for (int c = 0; c < shape.ValueLength; c++)
            {
                output[c] += weight * value[c];
            }
        }

        return output;
    }

    private static float[] Run(Data data, float[] queries, int first, int tokens, int threads)
    {
        using var pool = new WorkerPool(threads);
        using var attention = new Attention(pool, data.Shape);
        return Run(attention, data, queries, first, tokens);
    }

    private static float[] Run(Attention attention, Data data, float[] queries, int first, int tokens)
    {
        float[] output = new float[tokens * data.Shape.Heads * data.Shape.ValueLength];
        Array.Fill(output, float.NaN);
        fixed (float* q = queries, y = output)
        {
            attention.Add(data.View, q, y, first, tokens);
            attention.Run();
        }

        return output;
    }

    /// <summary>Stored random keys and values, and what they read back as.</summary>
    private sealed class Data : IDisposable
    {
        private readonly KvFormat _format;
        private readonly int _positions;
        private readonly NativeBuffer<byte> _keys;
        private readonly NativeBuffer<byte> _values;
        private readonly float[][] _keysRead;
        private readonly float[][] _valuesRead;

        public Data(AttentionShape shape, KvFormat format, int positions, float scoreSize)
        {
            Shape = shape;
            _format = format;
            _positions = positions;
            var random = new Random(17);
            (_keys, _keysRead) = Fill(random, shape.KeyLength, scoreSize);
            (_values, _valuesRead) = Fill(random, shape.ValueLength, 1);
        }

        public AttentionShape Shape { get; }

        public KeyValueView View => new(_format, _keys.Pointer, _values.Pointer, (long)_positions * _format.VectorBytes(Shape.KeyLength), (long)_positions * _format.VectorBytes(Shape.ValueLength));

        public float[] Key(int head, int position) => _keysRead[(head * _positions) + position];

        public float[] Value(int head, int position) => _valuesRead[(head * _positions) + position];

        public void Dispose()
        {
            _keys.Dispose();
            _values.Dispose();
        }

        private (NativeBuffer<byte> Stored, float[][] Read) Fill(Random random, int length, float magnitude)
        {
            int vectors = Shape.KeyValueHeads * _positions;
            var stored = new NativeBuffer<byte>((long)vectors * _format.VectorBytes(length));
            float[][] read = new float[vectors][];
            for (int i = 0; i < vectors; i++)
            {
                read[i] = new float[length];
                fixed (float* x = RandomBlocks.Floats(random, length, magnitude), y = read[i])
                {
                    _format.Store(x, stored.Pointer + ((long)i * _format.VectorBytes(length)), length);
                    _format.Load(stored.Pointer + ((long)i * _format.VectorBytes(length)), y, length);
                }
            }

            return (stored, read);
        }
    }
}
