using System.Collections.Immutable;
using System.Text;

namespace CpuMoe.Gguf;

/// <summary>Reads the tensor directory of one file and checks where the tensors lie.</summary>
internal static class GgufDirectory
{
    /// <summary>Reads <paramref name="count"/> tensor records at the position of the reader.</summary>
    /// <param name="reader">The reader, behind the metadata.</param>
    /// <param name="count">The number of records.</param>
    /// <param name="alignment">The alignment of the data section and of each tensor.</param>
    /// <param name="shard">The zero-based index of this file among the split parts.</param>
    /// <param name="warnings">Receives what is odd but harmless.</param>
    public static GgufTensor[] Read(GgufReader reader, int count, int alignment, int shard, List<string> warnings)
    {
        Record[] records = ReadRecords(reader, count);
        long length = reader.Position + reader.Remaining;
        long dataStart = GgufRules.Align(reader.Position, alignment);
        if (count > 0 && dataStart > length)
        {
            throw reader.Fault($"the tensor data starts at byte {dataStart}, behind the end of the file; the file is truncated, download or copy it again", reader.Position, "tensor data");
        }

        GgufTensor[] tensors = Array.ConvertAll(records, record => Place(reader, record, dataStart, length, alignment, shard));
        long dataEnd = CheckDisjoint(reader, tensors, dataStart);
        WarnOfGaps(tensors, dataStart, alignment, warnings);
        WarnOfPadding(reader, dataStart, length, warnings);
        long trailing = length - GgufRules.Align(dataEnd, alignment);
        if (trailing > 0)
        {
            warnings.Add($"{trailing} bytes follow the last tensor.");
        }

        return tensors;
    }

    private static Record[] ReadRecords(GgufReader reader, int count)
    {
        Record[] records = new Record[count];
        HashSet<string> names = new(count, StringComparer.Ordinal);
        for (int i = 0; i < records.Length; i++)
        {
            records[i] = ReadRecord(reader, i);
            if (!names.Add(records[i].Name))
            {
                throw reader.Fault("the tensor occurs twice; the file is damaged", records[i].Position, records[i].Name);
            }
        }

        return records;
    }

    private static Record ReadRecord(GgufReader reader, int index)
    {
        long position = reader.Position;
        string field = $"tensor {index}";
        ReadOnlySpan<byte> bytes = reader.ReadBytes(field, GgufRules.MaxTensorNameBytes);
        if (GgufRules.TensorNameProblem(bytes) is { } nameProblem)
        {
            throw reader.Fault(nameProblem + "; the file is damaged", position, field);
        }

        string name = Encoding.UTF8.GetString(bytes);
        long shapePosition = reader.Position;
        uint rank = reader.Read<uint>(name);
        if (rank > GgufRules.MaxDimensions)
        {
            throw reader.Fault($"{rank} dimensions, more than {GgufRules.MaxDimensions}; the file is damaged", shapePosition, name);
        }

        Span<long> dimensions = [1, 1, 1, 1];
        for (int i = 0; i < (int)rank; i++)
        {
            dimensions[i] = reader.Read<long>(name);
        }

        long typePosition = reader.Position;
        GgmlType type = (GgmlType)reader.Read<uint>(name);
        if (GgufRules.TypeProblem(type) is { } typeProblem)
        {
            throw reader.Fault(typeProblem, typePosition, name);
        }

        if (GgufRules.ShapeProblem(type, dimensions[..(int)rank], out long byteCount) is { } shapeProblem)
        {
            throw reader.Fault(shapeProblem + "; the file is damaged", shapePosition, name);
        }

        return new Record(name, type, [.. dimensions], (int)rank, byteCount, reader.Read<ulong>(name), position);
    }

    private static GgufTensor Place(GgufReader reader, Record record, long dataStart, long length, int alignment, int shard)
    {
        if (record.Offset % (ulong)alignment != 0)
        {
            throw reader.Fault($"the data offset {record.Offset} is not a multiple of the alignment {alignment}; the file is damaged", record.Position, record.Name);
        }

        long available = length - dataStart;
        if (record.Offset > (ulong)available || record.ByteCount > available - (long)record.Offset)
        {
            throw reader.Fault(
                $"its {record.ByteCount} bytes at data offset {record.Offset} end behind the end of the file ({length} bytes); the file is truncated, download or copy it again",
                record.Position,
                record.Name);
        }

        return new GgufTensor(record.Name, record.Type, record.Dimensions, record.ByteCount, shard, record.Position, dataStart + (long)record.Offset)
        {
            Rank = record.Rank,
        };
    }

    /// <summary>Returns the end of the last tensor.</summary>
    private static long CheckDisjoint(GgufReader reader, GgufTensor[] tensors, long dataStart)
    {
        GgufTensor[] ordered = [.. tensors];
        Array.Sort(ordered, (a, b) => a.FileOffset.CompareTo(b.FileOffset));
        long end = dataStart;
        GgufTensor? previous = null;
        foreach (GgufTensor tensor in ordered)
        {
            if (tensor.FileOffset < end)
            {
                throw reader.Fault($"its data overlap with those of {GgufRules.Printable(previous!.Name)}; the file is damaged", tensor.RecordOffset, tensor.Name);
            }

            end = tensor.FileOffset + tensor.ByteCount;
            previous = tensor;
        }

        return end;
    }

    private static void WarnOfGaps(GgufTensor[] tensors, long dataStart, int alignment, List<string> warnings)
    {
        long expected = dataStart;
        foreach (GgufTensor tensor in tensors)
        {
            if (tensor.FileOffset != expected)
            {
                warnings.Add($"The tensor data have gaps or are out of order, first at {GgufRules.Printable(tensor.Name)}.");
                return;
            }

            expected = GgufRules.Align(tensor.FileOffset + tensor.ByteCount, alignment);
        }
    }

    /// <summary>Looks at the padding before the data only: that between tensors would cost a disk access each.</summary>
    private static void WarnOfPadding(GgufReader reader, long dataStart, long length, List<string> warnings)
    {
        int padding = (int)(Math.Min(dataStart, length) - reader.Position);
        if (reader.Take(padding, "padding").ContainsAnyExcept((byte)0))
        {
            warnings.Add("The padding before the tensor data is not zero.");
        }
    }

    private readonly record struct Record(string Name, GgmlType Type, ImmutableArray<long> Dimensions, int Rank, long ByteCount, ulong Offset, long Position);
}
