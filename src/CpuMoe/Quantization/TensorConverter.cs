using System.Globalization;
using System.Numerics.Tensors;
using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Quantization;

/// <summary>
/// Converts tensors of any size in bounded memory: chunks of the file are read, converted on all threads, and written in
/// order while the next ones are converted.
/// </summary>
/// <param name="source">The file of the tensors.</param>
/// <param name="pool">The threads.</param>
internal sealed unsafe class TensorConverter(GgufFile source, WorkerPool pool) : IParallelJob, IDisposable
{
    // A whole number of the blocks of every format.
    private const int ChunkValues = 1 << 17;
    private const int MaxBytesPerValue = 8;
    private const int ChunksPerThread = 4;

    // Stays in the first-level cache.
    private const int TileValues = 4096;

    // What a half can hold, and so the most that a block with half scales surely can.
    private const float LargestMagnitude = 65504;

    private readonly int _batchChunks = ChunksPerThread * pool.Threads;
    private readonly NativeBuffer<byte> _inputs = new((long)pool.Threads * ChunkValues * MaxBytesPerValue);
    private readonly NativeBuffer<float> _tiles = new((long)pool.Threads * TileValues);
    private NativeBuffer<byte> _output = new((long)ChunksPerThread * pool.Threads * ChunkValues * MaxBytesPerValue);
    private NativeBuffer<byte> _written = new((long)ChunksPerThread * pool.Threads * ChunkValues * MaxBytesPerValue);
    private GgufTensor _tensor = null!;
    private GgmlType _type;
    private RowCodec? _reader;
    private RowCodec? _writer;
    private long _firstChunk;

    /// <summary>Called with the number of bytes after each batch that was read and converted.</summary>
    public Action<long> Converted { get; init; } = _ => { };

    /// <summary>Writes the values of a tensor in a type; the bytes themselves where it has the type already.</summary>
    /// <exception cref="QuantizationException">A value is not finite, or too large for the type.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public void Convert(GgufTensor tensor, GgmlType type, Stream output, CancellationToken cancellation)
    {
        (_tensor, _type) = (tensor, type);
        _reader = RowCodec.Of(tensor.Type);
        _writer = RowCodec.Of(type);
        long chunks = (tensor.ElementCount + ChunkValues - 1) / ChunkValues;
        Task writing = Task.CompletedTask;
        try
        {
            for (_firstChunk = 0; _firstChunk < chunks; _firstChunk += _batchChunks)
            {
                cancellation.ThrowIfCancellationRequested();
                int count = (int)Math.Min(_batchChunks, chunks - _firstChunk);
                pool.Run(this, count);
                writing.GetAwaiter().GetResult();

                (_output, _written) = (_written, _output);
                byte* bytes = _written.Pointer;
                long values = Math.Min((_firstChunk + count) * ChunkValues, tensor.ElementCount) - (_firstChunk * ChunkValues);
                int length = (int)type.RowBytes(values);
                writing = Task.Run(() => output.Write(new ReadOnlySpan<byte>(bytes, length)), CancellationToken.None);
                Converted(tensor.Type.RowBytes(values));
            }
        }
        finally
        {
            // Whatever happened: the stream and the buffers must be at rest.
            ((IAsyncResult)writing).AsyncWaitHandle.WaitOne();
        }

        writing.GetAwaiter().GetResult();
    }

    void IParallelJob.Execute(int chunk, int worker)
    {
        long first = (_firstChunk + chunk) * ChunkValues;
        int count = (int)Math.Min(ChunkValues, _tensor.ElementCount - first);
        byte* input = _inputs.Pointer + ((long)worker * ChunkValues * MaxBytesPerValue);
        byte* output = _output.Pointer + ((long)chunk * _type.RowBytes(ChunkValues));
        int bytes = (int)_tensor.Type.RowBytes(count);
        Read(new Span<byte>(input, bytes), _tensor.FileOffset + _tensor.Type.RowBytes(first));
        float* tile = _tiles.Pointer + ((long)worker * TileValues);
        for (int i = 0; _reader is not null && i < count; i += TileValues)
        {
            int values = Math.Min(TileValues, count - i);
            byte* blocks = input + _tensor.Type.RowBytes(i);
            _reader.Read(blocks, values / _reader.ValuesPerBlock, tile);
            Check(new ReadOnlySpan<float>(tile, values), blocks, first + i);
            if (_type != _tensor.Type)
            {
                _writer!.Write(tile, values / _writer.ValuesPerBlock, output + _type.RowBytes(i));
            }
        }

        if (_type == _tensor.Type)
        {
            Buffer.MemoryCopy(input, output, bytes, bytes);
        }
    }

    public void Dispose()
    {
        _inputs.Dispose();
        _tiles.Dispose();
        _output.Dispose();
        _written.Dispose();
    }

    private void Read(Span<byte> destination, long offset)
    {
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(source.Handle(_tensor.Shard), destination, offset);
            if (read == 0)
            {
                source.EnsureUnchanged();
                throw new EndOfStreamException($"{source.PartPaths[_tensor.Shard]} ended within tensor {_tensor.Name}.");
            }

            destination = destination[read..];
            offset += read;
        }
    }

    private void Check(ReadOnlySpan<float> values, byte* blocks, long first)
    {
        // A value that is not finite comes out of the reader as NaN, infinity or at least 65536.
        float largest = MathF.Abs(TensorPrimitives.MaxMagnitude(values));
        if (largest <= LargestMagnitude)
        {
            return;
        }

        // Floats that are only copied may be of any size. Here speed no longer counts.
        float limit = _type == _tensor.Type ? float.MaxValue : LargestMagnitude;
        float[] exact = new float[_reader!.ValuesPerBlock];
        fixed (float* block = exact)
        {
            for (int i = 0; i < values.Length; i += exact.Length)
            {
                _reader.ReadExact(blocks + _tensor.Type.RowBytes(i), block);
                int bad = Array.FindIndex(exact, value => !(MathF.Abs(value) <= limit));
                if (bad >= 0)
                {
                    throw Fault(exact[bad], first + i + bad);
                }
            }
        }
    }

    private QuantizationException Fault(float value, long index)
    {
        string place = $"tensor {GgufRules.Printable(_tensor.Name)} of {source.PartPaths[_tensor.Shard]}: value {index.ToString(CultureInfo.InvariantCulture)} is {value.ToString(CultureInfo.InvariantCulture)}";
        return new QuantizationException(float.IsFinite(value)
            ? $"{place}, and {_type} holds at most {LargestMagnitude}; the model cannot be quantised"
            : $"{place}, not a number to compute with; the file is damaged or was converted wrongly");
    }
}
