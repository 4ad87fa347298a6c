using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace CpuMoe.Gguf;

/// <summary>Reads the primitives of the format in sequence; nothing is read or allocated that the file does not hold.</summary>
/// <remarks>
/// Ordinary reads instead of the mapping: a file that is cut while it is parsed is an error here and would be a fatal
/// signal there. Values are little-endian, as is every machine this engine runs on.
/// </remarks>
internal sealed class GgufReader
{
    private const int BufferBytes = 64 * 1024;

    private readonly Stream _source;
    private readonly long _length;
    private readonly long _limit;
    private readonly byte[] _buffer;
    private int _start;
    private int _end;

    /// <param name="source">The bytes, from the start of the file.</param>
    /// <param name="length">The number of bytes the source holds.</param>
    /// <param name="file">The file named in faults.</param>
    /// <param name="limit">The bytes that may be read in all.</param>
    public GgufReader(Stream source, long length, string? file, long limit = GgufRules.MaxMetadataBytes)
    {
        _source = source;
        _length = length;
        _limit = limit;
        File = file;
        _buffer = new byte[Math.Min(BufferBytes, length)];
    }

    /// <summary>The file named in faults.</summary>
    public string? File { get; }

    /// <summary>The offset of the next byte.</summary>
    public long Position { get; private set; }

    /// <summary>The bytes from <see cref="Position"/> to the end of the file.</summary>
    public long Remaining => _length - Position;

    /// <summary>The text values seen so far that are not valid UTF-8; their bad bytes became U+FFFD.</summary>
    public int InvalidTexts { get; private set; }

    public GgufFormatException Fault(string problem, long offset, string field) => new(problem, File, offset, field);

    public T Read<T>(string field)
        where T : unmanaged => MemoryMarshal.Read<T>(Take(Unsafe.SizeOf<T>(), field));

    /// <summary>The bytes of a string, checked against <paramref name="limit"/> and the end of the file; valid until the next read.</summary>
    public ReadOnlySpan<byte> ReadBytes(string field, int limit)
    {
        long offset = Position;
        ulong length = Read<ulong>(field);
        return length <= (ulong)limit
            ? Take((int)length, field)
            : throw Fault($"a string of {length} bytes is longer than the limit of {limit}; the file is damaged", offset, field);
    }

    /// <summary>The value of a record; <paramref name="key"/> is named in faults.</summary>
    public object ReadValue(GgufValueType type, string key) => type switch
    {
        GgufValueType.U8 => Read<byte>(key),
        GgufValueType.I8 => Read<sbyte>(key),
        GgufValueType.U16 => Read<ushort>(key),
        GgufValueType.I16 => Read<short>(key),
        GgufValueType.U32 => Read<uint>(key),
        GgufValueType.I32 => Read<int>(key),
        GgufValueType.F32 => Read<float>(key),
        GgufValueType.Bool => ReadBooleans(1, key)[0],
        GgufValueType.Text => ReadText(key),
        GgufValueType.Array => ReadArray(key),
        GgufValueType.U64 => Read<ulong>(key),
        GgufValueType.I64 => Read<long>(key),
        GgufValueType.F64 => Read<double>(key),
        _ => throw Fault($"value type {(uint)type} does not exist; the file is damaged", Position - sizeof(uint), key),
    };

    /// <summary>The next bytes; valid until the next read.</summary>
    public ReadOnlySpan<byte> Take(int count, string field)
    {
        Demand(count, field);
        ReadOnlySpan<byte> result;
        if (count <= _buffer.Length)
        {
            if (_end - _start < count)
            {
                Refill(count, field);
            }

            result = _buffer.AsSpan(_start, count);
            _start += count;
        }
        else
        {
            byte[] large = new byte[count];
            Copy(large, field);
            result = large;
        }

        Position += count;
        return result;
    }

    private object ReadArray(string key)
    {
        long offset = Position;
        GgufValueType type = (GgufValueType)Read<uint>(key);
        ulong count = Read<ulong>(key);
        int elementBytes = type switch
        {
            GgufValueType.U8 or GgufValueType.I8 or GgufValueType.Bool => 1,
            GgufValueType.U16 or GgufValueType.I16 => 2,
            GgufValueType.U32 or GgufValueType.I32 or GgufValueType.F32 => 4,
            GgufValueType.U64 or GgufValueType.I64 or GgufValueType.F64 => 8,
            GgufValueType.Text => sizeof(ulong),
            GgufValueType.Array => throw Fault("arrays of arrays are not supported", offset, key),
            _ => throw Fault($"array element type {(uint)type} does not exist; the file is damaged", offset, key),
        };
        if (count > GgufRules.MaxArrayElements)
        {
            throw Fault($"an array of {count} elements is longer than the limit of {GgufRules.MaxArrayElements}; the file is damaged", offset + 4, key);
        }

        int length = (int)count;
        Demand((long)length * elementBytes, key);
        return type switch
        {
            GgufValueType.U8 => ReadNumbers<byte>(length, key),
            GgufValueType.I8 => ReadNumbers<sbyte>(length, key),
            GgufValueType.U16 => ReadNumbers<ushort>(length, key),
            GgufValueType.I16 => ReadNumbers<short>(length, key),
            GgufValueType.U32 => ReadNumbers<uint>(length, key),
            GgufValueType.I32 => ReadNumbers<int>(length, key),
            GgufValueType.F32 => ReadNumbers<float>(length, key),
            GgufValueType.Bool => ReadBooleans(length, key),
            GgufValueType.Text => ReadTexts(length, key),
            GgufValueType.U64 => ReadNumbers<ulong>(length, key),
            GgufValueType.I64 => ReadNumbers<long>(length, key),
            _ => ReadNumbers<double>(length, key),
        };
    }

    private string[] ReadTexts(int count, string key)
    {
        string[] texts = new string[count];
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i] = ReadText(key);
        }

        return texts;
    }

    private string ReadText(string key)
    {
        ReadOnlySpan<byte> bytes = ReadBytes(key, GgufRules.MaxTextBytes);
        if (!Utf8.IsValid(bytes))
        {
            InvalidTexts++;
        }

        return Encoding.UTF8.GetString(bytes);
    }

    private bool[] ReadBooleans(int count, string key)
    {
        long offset = Position;
        bool[] flags = new bool[count];
        Span<byte> bytes = MemoryMarshal.AsBytes(flags.AsSpan());
        Fill(bytes, key);
        int bad = bytes.IndexOfAnyExceptInRange((byte)0, (byte)1);
        return bad < 0 ? flags : throw Fault($"a boolean has the value {bytes[bad]} instead of 0 or 1; the file is damaged", offset + bad, key);
    }

    private T[] ReadNumbers<T>(int count, string key)
        where T : unmanaged
    {
        T[] numbers = new T[count];
        Fill(MemoryMarshal.AsBytes(numbers.AsSpan()), key);
        return numbers;
    }

    private void Fill(Span<byte> target, string field)
    {
        Demand(target.Length, field);
        Copy(target, field);
        Position += target.Length;
    }

    private void Demand(long count, string field)
    {
        if (count > Remaining)
        {
            throw Fault($"{count} bytes are needed, {Remaining} remain; the file is truncated or damaged, download or copy it again", Position, field);
        }

        if (count > _limit - Position)
        {
            throw Fault($"the metadata is larger than the limit of {_limit} bytes; the file is damaged", Position, field);
        }
    }

    /// <summary>Moves what the buffer holds and then bytes of the source to a target larger than that.</summary>
    private void Copy(Span<byte> target, string field)
    {
        int buffered = Math.Min(_end - _start, target.Length);
        _buffer.AsSpan(_start, buffered).CopyTo(target);
        _start += buffered;
        Span<byte> rest = target[buffered..];
        if (_source.ReadAtLeast(rest, rest.Length, throwOnEndOfStream: false) < rest.Length)
        {
            throw Shrunk(field);
        }
    }

    private void Refill(int count, string field)
    {
        int kept = _end - _start;
        _buffer.AsSpan(_start, kept).CopyTo(_buffer);
        _start = 0;
        _end = kept + _source.ReadAtLeast(_buffer.AsSpan(kept), count - kept, throwOnEndOfStream: false);
        if (_end < count)
        {
            throw Shrunk(field);
        }
    }

    private GgufFormatException Shrunk(string field) =>
        Fault($"the file ended before its {_length} bytes while it was read; is another program writing to it?", Position, field);
}
