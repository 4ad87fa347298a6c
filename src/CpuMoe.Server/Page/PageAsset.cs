using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace CpuMoe.Server.Page;

/// <summary>A file of the chat page, as it lies in the assembly.</summary>
internal sealed class PageAsset
{
    private readonly byte[] _content;
    private readonly string _contentType;
    private readonly EntityTagHeaderValue _tag;

    private PageAsset(string name, byte[] content)
    {
        _content = content;
        _contentType = ContentTypeOf(name);
        _tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8))}\"");
        Name = name;
    }

    /// <summary>The name of the file.</summary>
    public string Name { get; }

    /// <summary>Reads all files of the page.</summary>
    public static IEnumerable<PageAsset> ReadAll()
    {
        const string Folder = "Page/";
        foreach (string resource in typeof(PageAsset).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal)))
        {
            using Stream stream = typeof(PageAsset).Assembly.GetManifestResourceStream(resource)!;
            byte[] content = new byte[stream.Length];
            stream.ReadExactly(content);
            yield return new PageAsset(resource[Folder.Length..], content);
        }
    }

    /// <summary>Sends the file, or that the browser has it.</summary>
    public async Task SendAsync(HttpContext http)
    {
        HttpResponse response = http.Response;
        response.Headers.ETag = _tag.ToString();

        // Asked again each time: a page and scripts of different versions do not fit together.
        response.Headers.CacheControl = "no-cache";
        if (http.Request.GetTypedHeaders().IfNoneMatch.Any(known => known.Compare(_tag, useStrongComparison: false)))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = _contentType;
        response.ContentLength = _content.Length;
        await response.Body.WriteAsync(_content, http.RequestAborted);
    }

    private static string ContentTypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        string other => throw new InvalidOperationException($"No content type is known for the page's file '{name}' ({other})."),
    };
}
