using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace CpuMoe.Cli.Tests.Downloads;

/// <summary>What a server was asked.</summary>
internal sealed record SeenRequest(string Host, string Path, long? Start, long? End, string Authorization);

/// <summary>
/// A hub like Hugging Face's: a list of files, and a redirect to another server for each of them; with faults to order.
/// The hub is 127.0.0.1, the other server localhost on another port.
/// </summary>
internal sealed class FakeHub : IAsyncDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly WebApplication _app;
    private int _transfers;

    private FakeHub(WebApplication app) => _app = app;

    /// <summary>The files by path.</summary>
    public Dictionary<string, byte[]> Files { get; } = [];

    /// <summary>Changes the list of files before it is sent.</summary>
    public Action<JsonObject> EditListing { get; set; } = _ => { };

    /// <summary>Answers a request to the hub itself; true: done.</summary>
    public Func<HttpContext, Task<bool>> OnHub { get; set; } = _ => Task.FromResult(false);

    /// <summary>Answers a transfer, given its number from 0 and the bytes asked for; true: done.</summary>
    public Func<HttpContext, int, ArraySegment<byte>, Task<bool>> OnTransfer { get; set; } = (_, _, _) => Task.FromResult(false);

    public ConcurrentQueue<SeenRequest> Requests { get; } = [];

    /// <summary>The requests for content.</summary>
    public IEnumerable<SeenRequest> Transfers => Requests.Where(request => request.Path.StartsWith("/cdn/", StringComparison.Ordinal));

    public string Address { get; private set; } = "";

    public string OtherAddress { get; private set; } = "";

    public static async Task<FakeHub> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, 0);
            options.Listen(IPAddress.Loopback, 0);
        });
        FakeHub hub = new(builder.Build());
        hub._app.Run(hub.AnswerAsync);
        await hub._app.StartAsync();
        string[] addresses = [.. hub._app.Urls];
        hub.Address = addresses[0];
        hub.OtherAddress = addresses[1].Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
        return hub;
    }

    /// <summary>Adds a file of random bytes.</summary>
    public byte[] Add(string path, int bytes, int seed = 1)
    {
        byte[] content = new byte[bytes];
        new Random(seed).NextBytes(content);
        return Files[path] = content;
    }

    /// <summary>
    /// Sends some of the bytes of a range; the server closes the connection because there were to be more. Unlike after an
    /// abort these bytes do arrive.
    /// </summary>
    public static Task DropAfterAsync(HttpContext context, ArraySegment<byte> content, int bytes) => SendRangeAsync(context, content, bytes);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static async Task SendRangeAsync(HttpContext context, ArraySegment<byte> content, int bytes)
    {
        context.Response.StatusCode = StatusCodes.Status206PartialContent;
        context.Response.ContentLength = content.Count;
        context.Response.Headers.ContentRange = $"bytes {content.Offset}-{content.Offset + content.Count - 1}/{content.Array!.Length}";
        await context.Response.Body.WriteAsync(content[..Math.Min(bytes, content.Count)]);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        // The host that was asked, also where a proxy is.
        string path = context.Request.Path.Value!;
        long[] range = [.. context.Request.Headers.Range.ToString().Replace("bytes=", "", StringComparison.Ordinal).Split('-', StringSplitOptions.RemoveEmptyEntries)
            .Select(number => long.Parse(number, CultureInfo.InvariantCulture))];
        Requests.Enqueue(new SeenRequest(
            context.Request.Host.Value!, path, range is [long first, ..] ? first : null, range is [_, long last] ? last + 1 : null, context.Request.Headers.Authorization.ToString()));
        if (path.StartsWith("/cdn/", StringComparison.Ordinal))
        {
            byte[] content = Files[path["/cdn/".Length..]];
            ArraySegment<byte> part = range is [long start, long end] ? new(content, (int)start, (int)(end + 1 - start)) : new(content);
            if (!await OnTransfer(context, Interlocked.Increment(ref _transfers) - 1, part))
            {
                await SendRangeAsync(context, part, part.Count);
            }
        }
        else if (!await OnHub(context))
        {
            await AnswerAsHubAsync(context, path);
        }
    }

    private async Task AnswerAsHubAsync(HttpContext context, string path)
    {
        if (path.StartsWith("/api/models/some/model/revision/", StringComparison.Ordinal) && context.Request.Query["blobs"] == "true")
        {
            JsonObject listing = Listing();
            EditListing(listing);
            await context.Response.WriteAsync(listing.ToJsonString());
        }
        else if (path.StartsWith($"/some/model/resolve/{Commit}/", StringComparison.Ordinal))
        {
            string raw = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
            context.Response.Redirect($"{OtherAddress}/cdn/{raw[(raw.IndexOf(Commit, StringComparison.Ordinal) + Commit.Length + 1)..]}?signature=secret");
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
        }
    }

    private JsonObject Listing() => new()
    {
        ["id"] = "some/model",
        ["sha"] = Commit,
        ["siblings"] = new JsonArray([
            new JsonObject { ["rfilename"] = "README.md", ["size"] = 12, ["blobId"] = "abc" },
            .. Files.Select(file => new JsonObject
            {
                ["rfilename"] = file.Key,
                ["size"] = file.Value.Length,
                ["lfs"] = new JsonObject { ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(file.Value)), ["size"] = file.Value.Length, ["pointerSize"] = 134 },
            })]),
    };
}
