using System.Runtime.InteropServices;
using System.Text;

namespace CpuMoe.Gguf;

/// <summary>Writes a GGUF file (version 3) in one pass: metadata, tensor declarations, then the data of each tensor in order.</summary>
/// <remarks>
/// <see cref="Complete"/> must be called at the end: a file that was not completed lacks data and is refused by the
/// reader. The alignment is 32 unless <c>general.alignment</c> is added before the first data.
/// </remarks>
public sealed class GgufWriter : IDisposable
{
    private readonly GgufContent _content;
    private readonly Stream _output;
    private readonly long _origin;
    private readonly bool _leaveOpen;
    private int _written = -1;

    /// <summary>Creates a writer.</summary>
    /// <param name="output">A stream that can seek, written to from its current position on.</param>
    /// <param name="leaveOpen">Whether the stream stays open when the writer is disposed.</param>
    public GgufWriter(Stream output, bool leaveOpen = false)
        : this(output, leaveOpen, new GgufContent())
    {
    }

    internal GgufWriter(Stream output, bool leaveOpen, GgufContent content)
    {
        ArgumentNullException.ThrowIfNull(output);
        _output = output;
        _origin = output.Position;
        _leaveOpen = leaveOpen;
        _content = content;
    }

    /// <summary>Creates a writer to a new file, or over an old one.</summary>
    public static GgufWriter Create(string path) => new(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16));

    /// <summary>Adds a metadata entry; see <see cref="GgufEntry(string, object)"/> for the values that are allowed.</summary>
    /// <exception cref="ArgumentException">The key is empty, too long or was added before, or the value has no form in GGUF.</exception>
    public void Add(string key, object value) => Add(new GgufEntry(key, value));

    /// <summary>Adds a metadata entry, for example one of another file.</summary>
    /// <exception cref="ArgumentException">The key is empty, too long or was added before.</exception>
    public void Add(GgufEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ThrowIfHeaderIsWritten();
        _content.Add(entry);
    }

    /// <summary>Declares the next tensor.</summary>
    /// <param name="name">The name, 1 to 63 bytes in UTF-8.</param>
    /// <param name="type">The element type.</param>
    /// <param name="dimensions">Up to four positive dimensions, row length first; rows are whole blocks.</param>
    /// <exception cref="ArgumentException">Name, type or dimensions are not allowed, or the name was declared before.</exception>
    public void Declare(string name, GgmlType type, params ReadOnlySpan<long> dimensions)
    {
        ArgumentNullException.ThrowIfNull(name);
        ThrowIfHeaderIsWritten();
        _content.Declare(name, type, dimensions);
    }

    /// <summary>Writes the data of the next declared tensor.</summary>
    /// <exception cref="ArgumentException">The data are not as long as declared.</exception>
    /// <exception cref="InvalidOperationException">Another tensor is next.</exception>
    public void WriteTensor(string name, ReadOnlySpan<byte> data)
    {
        GgufContent.Tensor tensor = Next(name);
        if (data.Length != tensor.ByteCount)
        {
            throw new ArgumentException($"Tensor {name} was declared with {tensor.ByteCount} bytes, {data.Length} are given.", nameof(data));
        }

        WriteHeaderOnce();
        _output.Write(data);
        EndTensor();
    }

    /// <summary>Writes the data of the next declared tensor, which may be larger than memory.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="write">Writes exactly the declared bytes to the stream, in sequence.</param>
    /// <exception cref="InvalidOperationException">Another tensor is next, or <paramref name="write"/> wrote another number of bytes.</exception>
    public void WriteTensor(string name, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        GgufContent.Tensor tensor = Next(name);
        WriteHeaderOnce();
        long start = _output.Position;
        write(_output);
        if (_output.Position - start != tensor.ByteCount)
        {
            throw new InvalidOperationException($"Tensor {name} was declared with {tensor.ByteCount} bytes, {_output.Position - start} were written.");
        }

        EndTensor();
    }

    /// <summary>Ends the file.</summary>
    /// <exception cref="InvalidOperationException">The data of a declared tensor are missing.</exception>
    public void Complete()
    {
        WriteHeaderOnce();
        if (_written < _content.Tensors.Count)
        {
            throw new InvalidOperationException($"The data of tensor {_content.Tensors[_written].Name} were not written.");
        }

        _output.Flush();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_leaveOpen)
        {
            _output.Dispose();
        }
    }

    private void ThrowIfHeaderIsWritten()
    {
        if (_written >= 0)
        {
            throw new InvalidOperationException("Metadata and tensors must be declared before the first data are written.");
        }
    }

    private GgufContent.Tensor Next(string name)
    {
        GgufContent.Tensor? next = _content.Tensors.ElementAtOrDefault(Math.Max(_written, 0));
        return next?.Name == name ? next
            : throw new InvalidOperationException($"Tensor {name} is not next: data are written in the order of the declarations, {(next is null ? "all are written" : $"next is {next.Name}")}.");
    }

    private void EndTensor()
    {
        Pad();
        _written++;
    }

    private void Pad()
    {
        long position = _output.Position - _origin;
        _output.Write(new byte[GgufRules.Align(position, _content.Alignment) - position]);
    }

    private void WriteHeaderOnce()
    {
        if (_written >= 0)
        {
            return;
        }

        using (BinaryWriter writer = new(_output, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write("GGUF"u8);
            writer.Write(GgufRules.MaxVersion);
            writer.Write((ulong)_content.Tensors.Count);
            writer.Write((ulong)_content.Entries.Count);
            foreach (GgufEntry entry in _content.Entries)
            {
                Write(writer, entry);
            }

            WriteDirectory(writer);
        }

        Pad();
        _written = 0;
    }

    private void WriteDirectory(BinaryWriter writer)
    {
        long offset = 0;
        foreach (GgufContent.Tensor tensor in _content.Tensors)
        {
            Write(writer, tensor.Name);
            writer.Write(tensor.Dimensions.Length);
            Array.ForEach(tensor.Dimensions, writer.Write);
            writer.Write((uint)tensor.Type);
            writer.Write(offset);
            offset = GgufRules.Align(offset + tensor.ByteCount, _content.Alignment);
        }
    }

    private static void Write(BinaryWriter writer, GgufEntry entry)
    {
        Write(writer, entry.Key);
        writer.Write((uint)entry.Type);
        switch (entry.Value)
        {
            case string text: Write(writer, text); break;
            case string[] texts:
                writer.Write((uint)GgufValueType.Text);
                writer.Write((ulong)texts.Length);
                Array.ForEach(texts, text => Write(writer, text));
                break;
            case Array array:
                writer.Write((uint)entry.ElementType!.Value);
                writer.Write((ulong)array.Length);
                writer.Write(MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(array), Buffer.ByteLength(array)));
                break;
            case byte value: writer.Write(value); break;
            case sbyte value: writer.Write(value); break;
            case ushort value: writer.Write(value); break;
            case short value: writer.Write(value); break;
            case uint value: writer.Write(value); break;
            case int value: writer.Write(value); break;
            case float value: writer.Write(value); break;
            case bool value: writer.Write(value); break;
            case ulong value: writer.Write(value); break;
            case long value: writer.Write(value); break;
            case double value: writer.Write(value); break;
        }
    }

    private static void Write(BinaryWriter writer, string text)
    {
        byte[] bytes = GgufContent.Utf8(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }
}
