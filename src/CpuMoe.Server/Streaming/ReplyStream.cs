using System.Diagnostics;
using System.Runtime.CompilerServices;
using CpuMoe.Server.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CpuMoe.Server.Streaming;

/// <summary>A response that is written as the reply is made. Not for concurrent use.</summary>
/// <remarks>
/// The headers go out at once, before the prompt is evaluated. Where nothing was written for a while, the keep-alive of
/// the protocol is, so that neither clients nor proxies give up.
/// </remarks>
internal abstract class ReplyStream
{
    private readonly HttpContext _http;
    private readonly TimeSpan _silence;
    private long _lastWrite;

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
        await using IAsyncEnumerator<T> enumerator = updates.GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            ValueTask<bool> step = enumerator.MoveNextAsync();
            bool hasNext = step.IsCompleted ? await step : await WaitAsync(step.AsTask());
            if (!hasNext)
            {
                yield break;
            }

            yield return enumerator.Current;
            if (Silence >= _silence)
            {
                await WriteKeepAliveAsync();
            }
        }
    }

    /// <summary>Tells of an error after the start of the stream, as the protocol does.</summary>
    public abstract ValueTask WriteErrorAsync(ErrorShape shape, ApiError error, string requestId);

    /// <summary>Writes what clients take for a sign of life and nothing else.</summary>
    protected abstract ValueTask WriteKeepAliveAsync();

    /// <summary>Sends bytes at once.</summary>
    protected async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        Task write = WriteAsync(bytes);
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

        _lastWrite = Stopwatch.GetTimestamp();
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        await _http.Response.Body.WriteAsync(bytes, _http.RequestAborted);
        await _http.Response.Body.FlushAsync(_http.RequestAborted);
    }

    private TimeSpan Silence => Stopwatch.GetElapsedTime(_lastWrite);

    private async Task<bool> WaitAsync(Task<bool> step)
    {
        while (true)
        {
            TimeSpan rest = _silence - Silence;
            if (rest > TimeSpan.Zero)
            {
                using CancellationTokenSource timer = new();
                Task first = await Task.WhenAny(step, Task.Delay(rest, timer.Token));
                await timer.CancelAsync();
                if (first == step)
                {
                    return await step;
                }
            }

            try
            {
                await WriteKeepAliveAsync();
            }
            catch (Exception fault) when (fault is OperationCanceledException or IOException)
            {
                // The enumerator must not be disposed in the middle of a step; the step ends as the client is gone.
                return await step;
            }
        }
    }
}
