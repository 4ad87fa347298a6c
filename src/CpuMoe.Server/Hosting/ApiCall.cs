using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Requests;
using CpuMoe.Server.Streaming;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Server.Hosting;

/// <summary>A request on its way through an endpoint.</summary>
/// <param name="server">What all requests share.</param>
/// <param name="http">The request.</param>
/// <param name="route">The endpoint.</param>
internal sealed class ApiCall(ServerContext server, HttpContext http, ApiRoute route)
{
    private ReplyStream? _stream;

    /// <summary>What all requests share.</summary>
    public ServerContext Server { get; } = server;

    /// <summary>The request.</summary>
    public HttpContext Http { get; } = http;

    /// <summary>Names the request in its response and in the log.</summary>
    public string Id { get; } = RandomId.Create(route.Errors.RequestIdPrefix);

    /// <summary>Cancelled when the client has gone; hand it to the engine.</summary>
    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>Reads the body, a JSON object.</summary>
    /// <exception cref="ApiException">It is none.</exception>
    public async Task<RequestValue> ReadJsonAsync()
    {
        JsonDocument document = await RequestBody.ReadJsonAsync(Http, Server.Options.MaxBodyBytes);
        Http.Response.RegisterForDispose(document);
        RequestValue body = new(document.RootElement);
        return body.Kind == JsonValueKind.Object ? body : throw body.Fault("a JSON object");
    }

    /// <summary>Sends the whole answer.</summary>
    public Task WriteJsonAsync<T>(T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK) =>
        WriteJsonAsync(writer => JsonSerializer.Serialize(writer, value, type), status);

    /// <summary>Sends the whole answer.</summary>
    public async Task WriteJsonAsync(Action<Utf8JsonWriter> write, int status = StatusCodes.Status200OK)
    {
        ArrayBufferWriter<byte> body = new();
        using (Utf8JsonWriter writer = new(body, ApiJson.WriterOptions))
        {
            write(writer);
        }

        Http.Response.StatusCode = status;
        Http.Response.ContentType = "application/json; charset=utf-8";
        Http.Response.ContentLength = body.WrittenCount;
        await Http.Response.Body.WriteAsync(body.WrittenMemory, Aborted);
    }

    /// <summary>Begins a stream: sends its headers, and tells errors in it from now on. Call it when the request is admitted.</summary>
    public async Task<T> StartAsync<T>(T stream)
        where T : ReplyStream
    {
        stream.LongestWrite = Server.Options.StalledClientTimeout;
        await stream.StartAsync();
        _stream = stream;
        return stream;
    }

    /// <summary>Answers with an error, in the stream if one has begun.</summary>
    public async Task FailAsync(ApiError error)
    {
        if (_stream is not null)
        {
            await _stream.WriteErrorAsync(route.Errors, error, Id);
            return;
        }

        IHeaderDictionary headers = Http.Response.Headers;
        switch (error.Kind)
        {
            case ApiErrorKind.Unauthenticated:
                headers.WWWAuthenticate = "Bearer";
                break;
            case ApiErrorKind.MethodNotAllowed:
                headers.Allow = error.AllowedMethods;
                break;
            case ApiErrorKind.Internal or ApiErrorKind.TimeLimit:
                headers["x-should-retry"] = "false";
                break;
            default:
                break;
        }

        if (error.RetryAfter is { } wait)
        {
            headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        await WriteJsonAsync(writer => route.Errors.Write(writer, error, Id), route.Errors.StatusOf(error));
    }
}
