using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using CpuMoe.Server.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CpuMoe.Server.Streaming;

/// <summary>A response that is written as the reply is made. Not for concurrent use.</summary>
/// <remarks>
/// The headers go out at once, before the prompt is evaluated. Where nothing was written for a while, the keep-alive of
/// the protocol is, so that neither clients nor proxies give up. Where updates follow each other within milliseconds, some
/// go out together: to send each by itself would cost more than to make it.
/// </remarks>
internal abstract class ReplyStream
{
    private const int MostHeldBytes = 16 << 10;

    // Between two writes: more often than screens show something new.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    private readonly HttpContext _http;
    private readonly ArrayBufferWriter<byte> _held = new();
    private readonly TimeSpan _silence;
    private long _lastWrite;

    // Ends when the silence may have become too long, or is over when nobody waits any more.
    private Task _alarm = Task.CompletedTask;

    // Whether the next update may be there already, so that what is sent may wait for it.
    private bool _holds;

    /// <summary>Creates a stream; nothing is sent yet.</summary>
    /// <param name="http">The request.</param>
    /// <param name="contentType">The content type.</param>
    /// <param name="silence">The longest time without a byte.</param>
    protected ReplyStream(HttpContext http, string contentType, TimeSpan silence)
    {
        _http = http;
        _silence = silence;
        http.Response.ContentType = contentType;
        http.Response.Headers.CacheControl = "no-cache";
        http.Response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>How long a write may take: a client that reads nothing must not hold its slot for ever. What waits for it is bounded by then.</summary>
    public TimeSpan LongestWrite { get; set; } = Timeout.InfiniteTimeSpan;

    /// <summary>Sends the status and the headers.</summary>
    public async Task StartAsync()
    {
        _http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await _http.Response.StartAsync(_http.RequestAborted);
        await _http.Response.Body.FlushAsync(_http.RequestAborted);
        _lastWrite = Stopwatch.GetTimestamp();
    }

    /// <summary>Passes updates on and keeps the connection alive while none come, or while those that come write nothing.</summary>
    /// <exception cref="OperationCanceledException">The client has gone.</exception>
    public async IAsyncEnumerable<T> KeepAliveAsync<T>(IAsyncEnumerable<T> updates, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource end = new();
        await using IAsyncEnumerator<T> enumerator = updates.GetAsyncEnumerator(cancellationToken);
        try
        {
            while (true)
            {
                ValueTask<bool> step = enumerator.MoveNextAsync();
                bool hasNext = step.IsCompleted ? await step : await WaitAsync(step.AsTask(), end.Token);
                if (!hasNext)
                {
                    break;
                }

                _holds = true;
                yield return enumerator.Current;
                _holds = false;
                if (_held.WrittenCount == 0 && Silence >= _silence)
                {
                    await WriteKeepAliveAsync();
                }
            }

            await FlushAsync();
        }
        finally
        {
            // The timer goes with it; nothing else hears of it.
            end.Cancel();
        }
    }

    /// <summary>Tells of an error after the start of the stream, as the protocol does.</summary>
    public abstract ValueTask WriteErrorAsync(ErrorShape shape, ApiError error, string requestId);

    /// <summary>Writes what clients take for a sign of life and nothing else.</summary>
    protected abstract ValueTask WriteKeepAliveAsync();

    /// <summary>Sends bytes: at once, or with those of updates that are there already.</summary>
    protected ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        _held.Write(bytes.Span);
        return _holds && _held.WrittenCount < MostHeldBytes ? ValueTask.CompletedTask : FlushAsync();
    }

    private TimeSpan Silence => Stopwatch.GetElapsedTime(_lastWrite);

    /// <summary>The time until something must be written, at least a millisecond.</summary>
    private TimeSpan Rest() => TimeSpan.FromMilliseconds(Math.Max(1, (_silence - Silence).TotalMilliseconds));

    private async ValueTask FlushAsync()
    {
        if (_held.WrittenCount == 0)
        {
            return;
        }

        Task write = WriteAsync(_held.WrittenMemory);
        try
        {
            await write.WaitAsync(LongestWrite);
        }
        catch (TimeoutException)
        {
            // It is as if the client had gone: that is what the token says in a moment.
            _http.Abort();
            await Task.Delay(Timeout.Infinite, _http.RequestAborted);
        }

        _held.ResetWrittenCount();
        _lastWrite = Stopwatch.GetTimestamp();
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        await _http.Response.Body.WriteAsync(bytes, _http.RequestAborted);
        await _http.Response.Body.FlushAsync(_http.RequestAborted);
    }

    private async Task<bool> WaitAsync(Task<bool> step, CancellationToken end)
    {
        try
        {
            if (_held.WrittenCount > 0 && Pace - Silence is { Ticks: > 0 } rest)
            {
                await Task.Delay(rest, end);
                if (step.IsCompleted)
                {
                    return await step;
                }
            }

            await FlushAsync();
            while (!step.IsCompleted)
            {
                if (Silence >= _silence)
                {
                    await WriteKeepAliveAsync();
                }

                // One timer serves many updates: where something was written since it was set, it is set again for the rest.
                _alarm = _alarm.IsCompleted ? Task.Delay(Rest(), end) : _alarm;
                await Task.WhenAny(step, _alarm);
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException)
        {
            // The enumerator must not be disposed in the middle of a step; the step ends as the client is gone.
        }

        return await step;
    }
}
