using CpuMoe.Server.Hosting;
using CpuMoe.Server.OpenAi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace CpuMoe.Server.Page;

/// <summary>The chat page at <c>/</c> and its files below <c>/chat/</c>; clients that are no browsers get Ollama's sign of life at <c>/</c>.</summary>
/// <remarks>
/// The page needs no key: it holds nothing of anybody, and asks for one when the API does. It loads nothing from
/// elsewhere, runs no script but its own files, and cannot be framed; a reply of the model that tried to be markup would
/// meet these limits after the page's own care.
/// </remarks>
internal static class ChatPage
{
    private const string SignOfLife = "Ollama is running";

    // An application that maps '/' itself keeps it.
    private const int YieldsToApplication = int.MaxValue - 1;

    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    /// <summary>Maps the page and its files.</summary>
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        ServerContext server = endpoints.ServiceProvider.GetRequiredService<ServerContext>();
        ILogger logger = endpoints.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("CpuMoe.Server");
        foreach (PageAsset asset in PageAsset.ReadAll())
        {
            bool isPage = asset.Name == "index.html";
            Func<ApiCall, Task> handler = isPage ? call => AnswerRootAsync(call.Http, asset) : call => SendAsync(call.Http, asset);
            ApiRoute route = new(isPage ? "/" : "/chat/" + asset.Name, HttpMethods.Get, OpenAiErrors.Instance, handler) { IsPublic = true };
            endpoints.Map(route.Pattern, new ApiPipeline(server, route, logger).InvokeAsync).WithOrder(YieldsToApplication);
        }
    }

    private static Task AnswerRootAsync(HttpContext http, PageAsset page)
    {
        http.Response.Headers.Vary = HeaderNames.Accept;
        if (http.Request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase) && type.Quality is not 0))
        {
            return SendAsync(http, page);
        }

        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.ContentLength = SignOfLife.Length;
        return http.Response.WriteAsync(SignOfLife, http.RequestAborted);
    }

    private static Task SendAsync(HttpContext http, PageAsset asset)
    {
        IHeaderDictionary headers = http.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        return asset.SendAsync(http);
    }
}
