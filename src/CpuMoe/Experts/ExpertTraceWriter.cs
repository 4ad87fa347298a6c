using System.Buffers.Binary;

namespace CpuMoe.Experts;

/// <summary>Records which experts the passes ask for; see <see cref="ExpertTraceFormat"/>.</summary>
/// <remarks>For one thread at a time. Only whole requests reach the stream; the last ones do when it is disposed.</remarks>
internal sealed class ExpertTraceWriter : IDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly Stream _stream;
    private readonly int _layers;
    private readonly int _experts;
    private readonly byte[] _buffer;
    private int _used;
    private int _pass;
    private int _layer = int.MaxValue;
    private bool _disposed;

    /// <summary>Begins a trace.</summary>
    /// <param name="stream">Receives the file; owned from here on.</param>
    /// <param name="experts">Experts per layer, 1 to 65536.</param>
    /// <param name="expertsUsed">Experts per token, 1 to <paramref name="experts"/>.</param>
    /// <param name="layers">The layers that have experts, 1 to 4096, with at most 2^20 experts in all.</param>
    public ExpertTraceWriter(Stream stream, int experts, int expertsUsed, IReadOnlyList<ExpertTraceLayer> layers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(experts, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(experts, ExpertTraceFormat.MaxExperts);
        ArgumentOutOfRangeException.ThrowIfLessThan(expertsUsed, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(expertsUsed, experts);
        ArgumentOutOfRangeException.ThrowIfLessThan(layers.Count, 1, nameof(layers));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(layers.Count, Math.Min(ExpertTraceFormat.MaxLayers, ExpertTraceFormat.MaxTotalExperts / experts), nameof(layers));
        _stream = stream;
        _experts = experts;
        _layers = layers.Count;
        _buffer = new byte[Math.Max(BufferBytes, RequestBytes(experts))];
        WriteHeader(expertsUsed, layers);
    }

    /// <summary>Begins a trace in a new file; one that exists is replaced.</summary>
    /// <exception cref="IOException">The file cannot be created.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public static ExpertTraceWriter Create(string path, int experts, int expertsUsed, IReadOnlyList<ExpertTraceLayer> layers) =>
        new(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0), experts, expertsUsed, layers);

    /// <summary>
    /// Records what a layer asks for. A pass begins where the layer is not behind the one before, or where the tokens or
    /// the kind differ.
    /// </summary>
    /// <param name="layer">Index among the layers that have experts.</param>
    /// <param name="experts">The experts, each once, in ascending order; none is recorded as nothing.</param>
    /// <param name="tokens">The tokens of the pass, 1 to 2^24.</param>
    /// <param name="kind">What the pass is for.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Add(int layer, ReadOnlySpan<int> experts, int tokens, ExpertPassKind kind)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)layer, (uint)_layers, nameof(layer));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)tokens - 1, (uint)ExpertTraceFormat.MaxTokens - 1, nameof(tokens));
        CheckAscending(experts);
        if (experts.IsEmpty)
        {
            return;
        }

        if (_buffer.Length - _used < RequestBytes(experts.Length))
        {
            Flush();
        }

        int pass = (2 * tokens) + (int)kind;
        bool goesOn = pass == _pass && layer > _layer;
        Write(goesOn ? 0 : pass);
        Write(layer);
        Write(experts.Length);
        int next = 0;
        foreach (int expert in experts)
        {
            Write(expert - next);
            next = expert + 1;
        }

        _pass = pass;
        _layer = layer;
    }

    /// <summary>Writes what is left and closes the stream.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        using (_stream)
        {
            Flush();
        }
    }

    private static int RequestBytes(int experts) => (3 + experts) * ExpertTraceFormat.MaxNumberBytes;

    private void CheckAscending(ReadOnlySpan<int> experts)
    {
        int next = 0;
        foreach (int expert in experts)
        {
            if (expert < next || expert >= _experts)
            {
                throw new ArgumentException($"Expert {expert} is not in ascending order or not below {_experts}.", nameof(experts));
            }

            next = expert + 1;
        }
    }

    private void WriteHeader(int expertsUsed, IReadOnlyList<ExpertTraceLayer> layers)
    {
        _stream.Write(ExpertTraceFormat.Magic);
        Span<byte> numbers = stackalloc byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(numbers, ExpertTraceFormat.Version);
        BinaryPrimitives.WriteInt32LittleEndian(numbers[4..], _experts);
        BinaryPrimitives.WriteInt32LittleEndian(numbers[8..], expertsUsed);
        BinaryPrimitives.WriteInt32LittleEndian(numbers[12..], layers.Count);
        _stream.Write(numbers);
        foreach (ExpertTraceLayer layer in layers)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(layer.Block, nameof(layers));
            ArgumentOutOfRangeException.ThrowIfLessThan(layer.ExpertBytes, 1, nameof(layers));
            BinaryPrimitives.WriteInt32LittleEndian(numbers, layer.Block);
            BinaryPrimitives.WriteInt64LittleEndian(numbers[4..], layer.ExpertBytes);
            _stream.Write(numbers[..12]);
        }
    }

    private void Write(int number)
    {
        uint rest = (uint)number;
        for (; rest >= 0x80; rest >>= 7)
        {
            _buffer[_used++] = (byte)(rest | 0x80);
        }

        _buffer[_used++] = (byte)rest;
    }

    private void Flush()
    {
        // Counted as written even if it is not: what the disk refused once is not offered again by Dispose.
        int count = _used;
        _used = 0;
        _stream.Write(_buffer, 0, count);
    }
}
