using System.Buffers;
using System.Security.Cryptography;

namespace CpuMoe.Cli.Downloads;

/// <summary>The SHA-256 of files.</summary>
internal static class FileHash
{
    private const int BufferBytes = 1 << 20;

    /// <summary>The hash of a whole file in small hexadecimal digits.</summary>
    public static async Task<string> ComputeAsync(string path, PullMeter meter, CancellationToken cancellation)
    {
        using FileStream stream = new(path, new FileStreamOptions { Options = FileOptions.SequentialScan, BufferSize = 0 });
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            for (int count; (count = await stream.ReadAsync(buffer, cancellation)) > 0;)
            {
                hash.AppendData(buffer.AsSpan(0, count));
                meter.AddChecked(count);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
