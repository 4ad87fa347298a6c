using System.Buffers.Binary;
using System.Text;

namespace CpuMoe.Gguf;

/// <summary>Everything before the tensor data of one file: version, metadata and tensor directory, read and checked.</summary>
/// <remarks>Source of the layout: ggml <c>docs/gguf.md</c> and <c>src/gguf.cpp</c>.</remarks>
internal sealed class GgufHeader
{
    private GgufHeader(int version, GgufMetadata metadata, GgufTensor[] tensors, string[] warnings)
    {
        Version = version;
        Metadata = metadata;
        Tensors = tensors;
        Warnings = warnings;
    }

    public int Version { get; }

    public GgufMetadata Metadata { get; }

    public GgufTensor[] Tensors { get; }

    public string[] Warnings { get; }

    /// <summary>Reads a header.</summary>
    /// <param name="source">The bytes, from the start of the file.</param>
    /// <param name="length">The length of the whole file, tensor data included.</param>
    /// <param name="file">The file named in faults.</param>
    /// <param name="shard">The zero-based index of this file among the split parts.</param>
    /// <exception cref="GgufFormatException">The header is malformed or the file too short for it.</exception>
    public static GgufHeader Read(Stream source, long length, string? file, int shard = 0)
    {
        GgufReader reader = new(source, length, file);
        List<string> warnings = [];
        (int version, int tensorCount, int entryCount) = ReadCounts(reader);
        GgufMetadata metadata = ReadMetadata(reader, entryCount, warnings);
        GgufTensor[] tensors = GgufDirectory.Read(reader, tensorCount, AlignmentOf(metadata), shard, warnings);
        return new GgufHeader(version, metadata, tensors, [.. warnings]);
    }

    private static (int Version, int TensorCount, int EntryCount) ReadCounts(GgufReader reader)
    {
        if (reader.Remaining < GgufRules.HeaderBytes)
        {
            throw reader.Fault($"{reader.Remaining} bytes are too few for a GGUF file; it is empty, truncated, or not a regular file", 0, "header");
        }

        ReadOnlySpan<byte> header = reader.Take(GgufRules.HeaderBytes, "header");
        if (!header.StartsWith("GGUF"u8))
        {
            throw reader.Fault($"not a GGUF file, {Guess(header)}; convert or download the model as GGUF", 0, "magic");
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        if (version != 0 && (version & 0xFFFF) == 0)
        {
            throw reader.Fault("big-endian GGUF is not supported; convert the model for little-endian machines", 4, "version");
        }

        if (version is not (2 or GgufRules.MaxVersion))
        {
            throw reader.Fault($"version {version} is not supported, only 2 and 3; convert the model again with a current tool", 4, "version");
        }

        ulong tensors = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
        ulong entries = BinaryPrimitives.ReadUInt64LittleEndian(header[16..]);
        CheckCount(reader, tensors, GgufRules.MaxTensors, GgufRules.MinTensorBytes, 8, "n_tensors");
        CheckCount(reader, entries, GgufRules.MaxEntries, GgufRules.MinEntryBytes, 16, "n_kv");
        return ((int)version, (int)tensors, (int)entries);
    }

    private static void CheckCount(GgufReader reader, ulong count, int limit, int minBytes, long offset, string field)
    {
        if (count > (ulong)limit)
        {
            throw reader.Fault($"a count of {count} is above the limit of {limit}; the file is damaged", offset, field);
        }

        if ((long)count * minBytes > reader.Remaining)
        {
            throw reader.Fault($"{count} records cannot fit into the {reader.Remaining} bytes that follow; the file is truncated or damaged", offset, field);
        }
    }

    private static GgufMetadata ReadMetadata(GgufReader reader, int count, List<string> warnings)
    {
        List<GgufEntry> entries = new(count);
        HashSet<string> keys = new(count, StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            long offset = reader.Position;
            string field = $"key {i}";
            ReadOnlySpan<byte> bytes = reader.ReadBytes(field, GgufRules.MaxKeyBytes);
            if (GgufRules.KeyProblem(bytes) is { } problem)
            {
                throw reader.Fault(problem + "; the file is damaged", offset, field);
            }

            string key = Encoding.UTF8.GetString(bytes);
            if (!keys.Add(key))
            {
                throw reader.Fault("the key occurs twice; the file is damaged", offset, key);
            }

            int invalidTexts = reader.InvalidTexts;
            object value = reader.ReadValue((GgufValueType)reader.Read<uint>(key), key);
            entries.Add(new GgufEntry(key, value, offset));
            if (reader.InvalidTexts > invalidTexts)
            {
                warnings.Add($"{GgufRules.Printable(key)}: {reader.InvalidTexts - invalidTexts} texts are not valid UTF-8; their bad bytes were replaced.");
            }
        }

        return new GgufMetadata([.. entries], reader.File);
    }

    private static int AlignmentOf(GgufMetadata metadata)
    {
        GgufEntry? entry = metadata.Find(GgufRules.AlignmentKey);
        return entry is null ? GgufRules.DefaultAlignment
            : GgufRules.AlignmentProblem(entry.Value) is { } problem ? throw metadata.Fault(entry.Key, problem + "; the file is damaged")
            : (int)(uint)entry.Value;
    }

    /// <summary>What a file with another magic may be, from its first 24 bytes.</summary>
    private static string Guess(ReadOnlySpan<byte> header) =>
        header.StartsWith("lmgg"u8) || header.StartsWith("fmgg"u8) || header.StartsWith("tjgg"u8)
            || header.StartsWith("GGML"u8) || header.StartsWith("GGMF"u8) || header.StartsWith("GGJT"u8) ? "but a predecessor format of ggml"
        : header.StartsWith("FUGG"u8) ? "but one with a byte-swapped magic"
        : header.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]) ? "but gzip-compressed data"
        : header.StartsWith("PK\x3\x4"u8) ? "but a ZIP archive (perhaps a PyTorch checkpoint)"
        : header[8] == (byte)'{' ? "but perhaps a safetensors file"
        : header.StartsWith("version https://git"u8) ? "but a Git LFS pointer (fetch the file itself with git lfs pull)"
        : header.TrimStart(" \r\n\t"u8).StartsWith("<"u8) ? "but perhaps a web page saved in place of the download"
        : $"its first bytes are {Convert.ToHexString(header[..4])}";
}
