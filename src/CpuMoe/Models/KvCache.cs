using CpuMoe.Compute;

namespace CpuMoe.Models;

/// <summary>Keys and values of the tokens evaluated so far, for all layers of one sequence.</summary>
/// <remarks>
/// Layout: [layer][head][position][head length], keys and values apart, so that attention streams one head's positions.
/// Memory is reserved for all positions and committed by the system as positions are written.
/// </remarks>
public sealed unsafe class KvCache : IDisposable
{
    private readonly NativeBuffer<byte> _keys;
    private readonly NativeBuffer<byte> _values;
    private readonly int _layers;
    private readonly int _heads;
    private readonly int _keyLength;
    private readonly int _valueLength;
    private readonly long _keyHeadBytes;
    private readonly long _valueHeadBytes;
    private Action? _onDisposed;
    private bool _disposed;

    /// <param name="layers">Layers that have keys and values.</param>
    /// <param name="heads">Key/value heads per layer.</param>
    /// <param name="keyLength">Values per key.</param>
    /// <param name="valueLength">Values per value vector.</param>
    /// <param name="capacity">Positions, 1 or more.</param>
    /// <param name="type">The number format.</param>
    /// <param name="disposed">Called when the memory is free again.</param>
    internal KvCache(int layers, int heads, int keyLength, int valueLength, int capacity, KvType type, Action? disposed = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Format = FormatOf(type);
        if (keyLength % Format.Granularity != 0 || valueLength % Format.Granularity != 0)
        {
            throw new ArgumentException(
                $"A {type} KV cache needs head sizes that are multiples of {Format.Granularity}; this model has {keyLength} and {valueLength}. Use f16.", nameof(type));
        }

        _onDisposed = disposed;
        Capacity = capacity;
        Type = type;
        _layers = layers;
        _heads = heads;
        _keyLength = keyLength;
        _valueLength = valueLength;
        _keyHeadBytes = (long)capacity * Format.VectorBytes(keyLength);
        _valueHeadBytes = (long)capacity * Format.VectorBytes(valueLength);
        _keys = new NativeBuffer<byte>(checked(layers * heads * _keyHeadBytes));
        _values = new NativeBuffer<byte>(checked(layers * heads * _valueHeadBytes));
    }

    /// <summary>The number of tokens that fit.</summary>
    public int Capacity { get; }

    /// <summary>The number of tokens held.</summary>
    public int Length { get; private set; }

    /// <summary>The number format.</summary>
    public KvType Type { get; }

    /// <summary>Bytes reserved for all positions.</summary>
    public long ByteCount => _keys.Length + _values.Length;

    internal KvFormat Format { get; }

    /// <summary>Forgets the tokens from position <paramref name="length"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative or beyond <see cref="Length"/>.</exception>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    /// <summary>Replaces the contents by the first <paramref name="length"/> positions of another cache.</summary>
    /// <exception cref="ArgumentException">The caches are of different shapes, or one of them is too short.</exception>
    public void CopyPrefix(KvCache source, int length)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Math.Min(source.Length, Capacity));
        if (source.Type != Type || !source.Fits(_layers, _heads, _keyLength, _valueLength))
        {
            throw new ArgumentException("The caches are of different shapes.", nameof(source));
        }

        for (int layer = 0; layer < _layers; layer++)
        {
            KeyValueView from = source.View(layer);
            KeyValueView to = View(layer);
            for (int head = 0; head < _heads; head++)
            {
                Copy(from.Keys(head), to.Keys(head), _keyLength);
                Copy(from.Values(head), to.Values(head), _valueLength);
            }
        }

        Length = length;

        void Copy(byte* vectors, byte* target, int vectorLength)
        {
            long bytes = (long)length * Format.VectorBytes(vectorLength);
            Buffer.MemoryCopy(vectors, target, bytes, bytes);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _keys.Dispose();
        _values.Dispose();
        Interlocked.Exchange(ref _onDisposed, null)?.Invoke();
    }

    /// <summary>Whether the cache was made for a model of these sizes.</summary>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    internal bool Fits(int layers, int heads, int keyLength, int valueLength)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return (_layers, _heads, _keyLength, _valueLength) == (layers, heads, keyLength, valueLength);
    }

    /// <summary>Bytes of one token in all layers.</summary>
    internal static long BytesPerToken(int layers, int heads, int keyLength, int valueLength, KvType type) =>
        (long)layers * heads * (FormatOf(type).VectorBytes(keyLength) + FormatOf(type).VectorBytes(valueLength));

    /// <summary>Writes the keys and values of one token at a position, [heads][length] each.</summary>
    internal void Store(int layer, int position, float* keys, float* values)
    {
        KeyValueView view = View(layer);
        for (int head = 0; head < _heads; head++)
        {
            Format.Store(keys + head * _keyLength, view.Keys(head) + (long)position * Format.VectorBytes(_keyLength), _keyLength);
            Format.Store(values + head * _valueLength, view.Values(head) + (long)position * Format.VectorBytes(_valueLength), _valueLength);
        }
    }

    /// <summary>The keys and values of a layer.</summary>
    internal KeyValueView View(int layer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new KeyValueView(Format, _keys.Pointer + layer * _heads * _keyHeadBytes, _values.Pointer + layer * _heads * _valueHeadBytes, _keyHeadBytes, _valueHeadBytes);
    }

    /// <summary>Bytes of one position in all layers.</summary>
    internal int PositionBytes => (int)BytesPerToken(_layers, _heads, _keyLength, _valueLength, Type);

    /// <summary>Copies the positions [first, first + count) to <paramref name="target"/>, layer by layer, head by head, keys before values.</summary>
    internal void Save(int first, int count, Span<byte> target)
    {
        for (int run = 0; run < 2 * _layers * _heads; run++)
        {
            Span<byte> vectors = Vectors(run, first, count);
            vectors.CopyTo(target);
            target = target[vectors.Length..];
        }
    }

    /// <summary>Writes what <see cref="Save"/> has copied to the same positions; they count when they are appended.</summary>
    internal void Restore(int first, int count, ReadOnlySpan<byte> source)
    {
        for (int run = 0; run < 2 * _layers * _heads; run++)
        {
            Span<byte> vectors = Vectors(run, first, count);
            source[..vectors.Length].CopyTo(vectors);
            source = source[vectors.Length..];
        }
    }

    /// <summary>Declares the next <paramref name="count"/> positions written.</summary>
    internal void Append(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Capacity - Length);
        Length += count;
    }

    /// <summary>The keys (of an even run) or values (of an odd one) of one head at some positions.</summary>
    private Span<byte> Vectors(int run, int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + count, Capacity);
        KeyValueView view = View(run / 2 / _heads);
        int head = run / 2 % _heads;
        int bytes = Format.VectorBytes(run % 2 == 0 ? _keyLength : _valueLength);
        byte* vectors = run % 2 == 0 ? view.Keys(head) : view.Values(head);
        return new Span<byte>(vectors + ((long)first * bytes), count * bytes);
    }

    private static KvFormat FormatOf(KvType type) => type switch
    {
        KvType.F32 => KvFormat.F32,
        KvType.F16 => KvFormat.F16,
        KvType.Q8_0 => KvFormat.Q8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "The KV cache is F16, Q8_0 or F32."),
    };
}
