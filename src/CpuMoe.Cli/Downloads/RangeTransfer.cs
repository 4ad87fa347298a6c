using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Win32.SafeHandles;

namespace CpuMoe.Cli.Downloads;

/// <summary>Receives one range of a file, at several attempts if need be.</summary>
/// <param name="file">The file.</param>
/// <param name="range">Its bytes to receive.</param>
/// <param name="open">Asks for the bytes of the file from a start to before an end.</param>
/// <param name="settings">Attempts, waits and timeouts.</param>
/// <param name="meter">Counts the bytes.</param>
internal sealed class RangeTransfer(
    RepositoryFile file, ByteRange range, Func<long, long, CancellationToken, Task<HttpResponseMessage>> open, PullSettings settings, PullMeter meter)
{
    private const int BufferBytes = 256 << 10;

    private long _position = range.Start;

    /// <summary>What has arrived and was handed to the operating system.</summary>
    public ByteRange Arrived => range with { End = Volatile.Read(ref _position) };

    /// <summary>Receives the range into the file.</summary>
    /// <exception cref="RangesIgnoredException">The server always sends the whole file, and that is not the range.</exception>
    /// <exception cref="CliException">It does not work.</exception>
    public async ValueTask RunAsync(SafeFileHandle target, CancellationToken cancellation)
    {
        // Attempts that get on do not count, or a bad line could never carry a large file.
        long progress = Math.Max(1, settings.ChunkBytes / 16);
        long mark = _position + progress;
        Retries retries = new(settings, settings.TransferAttempts, meter);
        while (_position < range.End)
        {
            try
            {
                await ReceiveAsync(target, cancellation);
            }
            catch (TransferException fault)
            {
                if (_position >= mark)
                {
                    mark = _position + progress;
                    retries.Reset();
                }

                await retries.WaitAsync(fault, cancellation);
            }
        }
    }

    private async Task ReceiveAsync(SafeFileHandle target, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await open(_position, range.End, cancellation);
        CheckRange(response);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            using Stream body = await response.Content.ReadAsStreamAsync(cancellation);
            using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            while (_position < range.End)
            {
                silence.CancelAfter(settings.StallTimeout);
                Memory<byte> free = buffer.AsMemory(0, (int)Math.Min(buffer.Length, range.End - _position));
                int count = await ReadAsync(body, free, silence.Token, cancellation);
                await RandomAccess.WriteAsync(target, buffer.AsMemory(0, count), _position, cancellation);
                Volatile.Write(ref _position, _position + count);
                meter.AddReceived(count);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Faults of the network are told apart from those of the disk, which no further attempt cures.
    private async Task<int> ReadAsync(Stream body, Memory<byte> buffer, CancellationToken silence, CancellationToken cancellation)
    {
        try
        {
            int count = await body.ReadAsync(buffer, silence);
            return count > 0 ? count : throw new TransferException($"{file.Path}: the transfer ended early");
        }
        catch (Exception fault) when (fault is IOException or HttpRequestException)
        {
            throw new TransferException($"{file.Path}: the transfer broke off");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TransferException(string.Create(CultureInfo.InvariantCulture, $"{file.Path}: nothing came for {settings.StallTimeout.TotalSeconds:G3} s"));
        }
    }

    private void CheckRange(HttpResponseMessage response)
    {
        if (response.StatusCode == HttpStatusCode.OK)
        {
            if (range != new ByteRange(0, file.Bytes))
            {
                throw new RangesIgnoredException();
            }

            CheckSize(response.Content.Headers.ContentLength);
            meter.AddReceived(range.Start - _position);
            Volatile.Write(ref _position, range.Start);
            return;
        }

        ContentRangeHeaderValue? sent = response.Content.Headers.ContentRange;
        CheckSize(sent?.Length);
        if (sent is not { Unit: "bytes", From: { } from } || from != _position)
        {
            throw new CliException($"{file.Path}: the server sent other bytes than those asked for");
        }
    }

    private void CheckSize(long? bytes)
    {
        if (bytes is not null && bytes != file.Bytes)
        {
            throw new CliException($"{file.Path}: the server has {bytes} bytes, by the repository's list it is {file.Bytes}; one of them is wrong");
        }
    }
}

/// <summary>The server sends the whole file whatever range is asked for.</summary>
internal sealed class RangesIgnoredException : Exception;
