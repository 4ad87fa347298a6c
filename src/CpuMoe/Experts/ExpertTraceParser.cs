using System.Buffers.Binary;

namespace CpuMoe.Experts;

/// <summary>Reads the bytes of a trace, trusting none; see <see cref="ExpertTraceFormat"/>.</summary>
internal ref struct ExpertTraceParser
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly string? _file;
    private readonly List<ExpertPass> _passes = [];
    private readonly List<ExpertRequest> _requests = [];
    private readonly List<ushort> _experts = [];
    private int _position;

    /// <param name="bytes">The whole file.</param>
    /// <param name="file">Its name, for faults.</param>
    public ExpertTraceParser(ReadOnlySpan<byte> bytes, string? file)
    {
        _bytes = bytes;
        _file = file;
    }

    /// <exception cref="ExpertTraceException">The bytes are no trace.</exception>
    public ExpertTrace Parse()
    {
        if (!_bytes.StartsWith(ExpertTraceFormat.Magic))
        {
            throw Fault("this is not an expert trace; 'cpumoe run --expert-trace FILE' records one", 0, "magic");
        }

        _position = ExpertTraceFormat.Magic.Length;
        int version = ReadInt32("version", 0, int.MaxValue);
        if (version != ExpertTraceFormat.Version)
        {
            throw Fault($"version {version} is not known, only {ExpertTraceFormat.Version}; a newer cpumoe may read it", _position - sizeof(int), "version");
        }

        int experts = ReadInt32("experts", 1, ExpertTraceFormat.MaxExperts);
        int used = ReadInt32("experts per token", 1, experts);
        var layers = new ExpertTraceLayer[ReadInt32("layers", 1, Math.Min(ExpertTraceFormat.MaxLayers, ExpertTraceFormat.MaxTotalExperts / experts))];
        for (int i = 0; i < layers.Length; i++)
        {
            layers[i] = new ExpertTraceLayer(ReadInt32("block", 0, int.MaxValue), ReadExpertBytes());
        }

        while (_position < _bytes.Length)
        {
            ReadRequest(layers.Length, experts);
        }

        return new ExpertTrace(experts, used, layers, [.. _passes], [.. _requests], [.. _experts]);
    }

    private void ReadRequest(int layers, int experts)
    {
        int start = _position;
        int pass = ReadNumber("pass", 0, (2 * ExpertTraceFormat.MaxTokens) + 1);
        int layer = ReadNumber("layer", 0, layers - 1);
        if (pass == 1 || (pass == 0 && (_requests.Count == 0 || _requests[^1].Layer >= layer)))
        {
            throw Fault("a pass has no tokens, or goes back to an earlier layer; the file is damaged", start, "pass");
        }

        if (pass == 0)
        {
            _passes[^1] = _passes[^1] with { RequestCount = _passes[^1].RequestCount + 1 };
        }
        else
        {
            _passes.Add(new ExpertPass((ExpertPassKind)(pass & 1), pass / 2, _requests.Count, 1));
        }

        int count = ReadNumber("count", 1, experts);
        _requests.Add(new ExpertRequest(layer, _experts.Count, count));
        int next = 0;
        for (int i = 0; i < count; i++)
        {
            int expert = next + ReadNumber("expert", 0, experts - 1 - next);
            _experts.Add((ushort)expert);
            next = expert + 1;
        }
    }

    private int ReadInt32(string field, int min, int max)
    {
        int start = _position;
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint), field));
        return Check(value, min, max, start, field);
    }

    private long ReadExpertBytes()
    {
        int start = _position;
        long bytes = BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long), "expert bytes"));

        // So small that sums over all accesses of the largest file cannot overflow.
        return bytes is > 0 and <= 1L << 32 ? bytes : throw Fault($"{bytes} bytes per expert are not between 1 and 2^32; the file is damaged", start, "expert bytes");
    }

    private int ReadNumber(string field, int min, int max)
    {
        int start = _position;
        long value = 0;
        for (int shift = 0; shift < 7 * ExpertTraceFormat.MaxNumberBytes; shift += 7)
        {
            byte next = Take(1, field)[0];
            value |= (long)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return Check(value, min, max, start, field);
            }
        }

        throw Fault($"a number is longer than {ExpertTraceFormat.MaxNumberBytes} bytes; the file is damaged", start, field);
    }

    private readonly int Check(long value, int min, int max, int start, string field) => value >= min && value <= max
        ? (int)value
        : throw Fault(min <= max ? $"{value} is not between {min} and {max}; the file is damaged" : $"{value} is more than there can be; the file is damaged", start, field);

    private ReadOnlySpan<byte> Take(int count, string field)
    {
        if (count > _bytes.Length - _position)
        {
            throw Fault("the file ends here; it is truncated, or its writer was not closed", _position, field);
        }

        _position += count;
        return _bytes.Slice(_position - count, count);
    }

    private readonly ExpertTraceException Fault(string problem, int offset, string field) => new(problem, _file, offset, field);
}
