using System.Buffers.Binary;
using System.Security.Cryptography;

namespace CpuMoe.Serving;

/// <summary>The file of a block: a header, the keys and values, and a checksum of both.</summary>
/// <remarks>
/// Header: the signature, the hash of the block, the length of the keys and values (8 bytes, little-endian). The checksum
/// is SHA-256. Files are written under another name and renamed when they are whole.
/// </remarks>
internal static class PromptBlockFile
{
    /// <summary>What the names of the files end with.</summary>
    public const string Extension = ".kv";

    /// <summary>What the names of files end with that are being written.</summary>
    public const string DraftExtension = ".kv-draft";

    private const int HeaderBytes = 8 + SHA256.HashSizeInBytes + sizeof(long);

    private static ReadOnlySpan<byte> Signature => "CPUMOEK1"u8;

    /// <summary>Bytes of a file with so many bytes of keys and values.</summary>
    public static long FileBytes(int length) => HeaderBytes + (long)length + SHA256.HashSizeInBytes;

    /// <summary>Writes a file, whole or not at all.</summary>
    /// <exception cref="IOException">The disk is full, say.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not writable.</exception>
    public static void Write(string path, PromptBlock block, ReadOnlySpan<byte> values)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        WriteHeader(header, block, values.Length);
        Span<byte> checksum = stackalloc byte[SHA256.HashSizeInBytes];
        Checksum(header, values, checksum);
        string draft = $"{path[..^Extension.Length]}.{Environment.ProcessId}{DraftExtension}";
        try
        {
            using (FileStream stream = new(draft, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                stream.Write(header);
                stream.Write(values);
                stream.Write(checksum);
            }

            File.Move(draft, path, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }

    /// <summary>Reads the keys and values of a block; says why where the file is not what was written.</summary>
    /// <param name="path">The file.</param>
    /// <param name="block">The block it must be of.</param>
    /// <param name="values">As many bytes as there must be.</param>
    /// <returns>What is wrong, or null.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file is not readable.</exception>
    public static string? Read(string path, PromptBlock block, Span<byte> values)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        if (stream.Length != FileBytes(values.Length))
        {
            return $"it has {stream.Length} bytes instead of {FileBytes(values.Length)}";
        }

        Span<byte> header = stackalloc byte[HeaderBytes];
        Span<byte> expected = stackalloc byte[HeaderBytes];
        Span<byte> stored = stackalloc byte[SHA256.HashSizeInBytes];
        Span<byte> checksum = stackalloc byte[SHA256.HashSizeInBytes];
        stream.ReadExactly(header);
        WriteHeader(expected, block, values.Length);
        if (!header.SequenceEqual(expected))
        {
            return "its header is that of something else";
        }

        stream.ReadExactly(values);
        stream.ReadExactly(stored);
        Checksum(header, values, checksum);
        return checksum.SequenceEqual(stored) ? null : "its checksum is wrong";
    }

    private static void WriteHeader(Span<byte> header, PromptBlock block, int length)
    {
        Signature.CopyTo(header);
        block.Hash.CopyTo(header[Signature.Length..]);
        BinaryPrimitives.WriteInt64LittleEndian(header[(Signature.Length + block.Hash.Length)..], length);
    }

    private static void Checksum(ReadOnlySpan<byte> header, ReadOnlySpan<byte> values, Span<byte> checksum)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        hash.AppendData(values);
        hash.GetHashAndReset(checksum);
    }
}
