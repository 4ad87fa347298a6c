using System.Net;
using System.Text.RegularExpressions;

namespace CpuMoe.Server.Tests.Page;

/// <summary>The chat page as it is sent; no browser is needed.</summary>
public partial class ChatPageTests(ServerFixture fixture)
{
    private const string BrowserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    [Theory]
    [InlineData(BrowserAccept, true)]
    [InlineData("text/html", true)]
    [InlineData("TEXT/HTML;q=0.5", true)]
    [InlineData("text/html;q=0", false)]
    [InlineData("*/*", false)]
    [InlineData("application/json", false)]
    [InlineData("text/plain, */*", false)]
    [InlineData(null, false)]
    [InlineData(";;;,,\"", false)]
    public async Task Browsers_get_the_page_and_others_a_sign_of_life(string? accept, bool isPage)
    {
        using HttpResponseMessage response = await SendAsync("/", ("Accept", accept));
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("Accept", Assert.Single(response.Headers.GetValues("Vary")));
        Assert.Equal(isPage ? "text/html; charset=utf-8" : "text/plain; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.StartsWith(isPage ? "<!DOCTYPE html>" : "Ollama is running", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_files_are_there_and_their_limits_are_strict()
    {
        using HttpResponseMessage root = await SendAsync("/", ("Accept", BrowserAccept));
        CheckHeaders(root);
        string page = await root.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotMatch(@"(?i)<script(?![^>]*\bsrc=)|<style|\bon[a-z]+\s*=|\bstyle\s*=|https?://", page);
        HashSet<string> files = [.. FileReference().Matches(page).Select(match => match.Groups[1].Value)];
        Queue<string> open = new(files);
        while (open.TryDequeue(out string? file))
        {
            using HttpResponseMessage response = await SendAsync("/" + file);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            CheckHeaders(response);
            string type = response.Content.Headers.ContentType!.ToString();
            Assert.Equal(Path.GetExtension(file) switch { ".js" => "text/javascript; charset=utf-8", ".css" => "text/css; charset=utf-8", _ => "image/svg+xml" }, type);
            string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.True(text.Split('\n').Length <= 401, $"{file} is too long to read.");
            foreach (string import in ImportReference().Matches(text).Select(match => "chat/" + match.Groups[1].Value).Where(files.Add))
            {
                open.Enqueue(import);
            }
        }

        Assert.Contains("chat/markdown.js", files);
    }

    [Fact]
    public async Task A_browser_that_has_a_file_does_not_get_it_again()
    {
        using HttpResponseMessage first = await SendAsync("/chat/main.js");
        string tag = first.Headers.ETag!.ToString();
        using HttpResponseMessage same = await SendAsync("/chat/main.js", ("If-None-Match", tag)), other = await SendAsync("/chat/main.js", ("If-None-Match", "\"other\""));

        Assert.Equal("no-cache", first.Headers.CacheControl!.ToString());
        Assert.Equal((HttpStatusCode.NotModified, HttpStatusCode.OK), (same.StatusCode, other.StatusCode));
        Assert.Empty(await same.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal(tag, same.Headers.ETag!.ToString());
        CheckHeaders(same);
    }

    [Fact]
    public async Task The_page_needs_no_key_but_a_name_of_the_host()
    {
        await using RunningServer server = await fixture.StartAsync(options => options.ApiKeys.Add("secret"));
        foreach (string path in (string[])["/", "/chat/main.js"])
        {
            using HttpResponseMessage open = await server.Http.SendAsync(Request(HttpMethod.Get, path, ("Accept", BrowserAccept)), TestContext.Current.CancellationToken);
            using HttpResponseMessage linked = await server.Http.SendAsync(Request(HttpMethod.Get, path, ("Sec-Fetch-Site", "cross-site")), TestContext.Current.CancellationToken);
            using HttpResponseMessage rebound = await server.Http.SendAsync(Request(HttpMethod.Get, path, ("Host", "attacker.example")), TestContext.Current.CancellationToken);
            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Forbidden), (open.StatusCode, linked.StatusCode, rebound.StatusCode));
        }
    }

    [Theory]
    [InlineData("HEAD", "/", HttpStatusCode.OK)]
    [InlineData("HEAD", "/chat/chat.css", HttpStatusCode.OK)]
    [InlineData("POST", "/", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/chat/", HttpStatusCode.NotFound)]
    [InlineData("GET", "/chat/index.html", HttpStatusCode.NotFound)]
    [InlineData("GET", "/chat/../CpuMoe.sln", HttpStatusCode.NotFound)]
    [InlineData("GET", "/chat/%2e%2e%2fmain.js", HttpStatusCode.NotFound)]
    public async Task Only_the_files_of_the_page_are_there(string method, string path, HttpStatusCode status)
    {
        using HttpResponseMessage response = await fixture.Server.Http.SendAsync(Request(new HttpMethod(method), path), TestContext.Current.CancellationToken);
        Assert.Equal(status, response.StatusCode);
        Assert.Equal(method == "HEAD", (await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length == 0);
    }

    private static void CheckHeaders(HttpResponseMessage response)
    {
        string Header(string name) => Assert.Single(response.Headers.GetValues(name));
        string[] policy = Header("Content-Security-Policy").Split("; ");
        Assert.Contains("default-src 'none'", policy);
        Assert.Contains("script-src 'self'", policy);
        Assert.Contains("connect-src 'self'", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        Assert.Contains("require-trusted-types-for 'script'", policy);
        Assert.DoesNotContain("unsafe", Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Equal(("nosniff", "no-referrer", "same-origin"), (Header("X-Content-Type-Options"), Header("Referrer-Policy"), Header("Cross-Origin-Resource-Policy")));
    }

    private static HttpRequestMessage Request(HttpMethod method, string path, params (string Name, string? Value)[] headers)
    {
        HttpRequestMessage request = new(method, path);
        foreach ((string name, string? value) in headers.Where(header => header.Value is not null))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    private Task<HttpResponseMessage> SendAsync(string path, params (string Name, string? Value)[] headers) =>
        fixture.Server.Http.SendAsync(Request(HttpMethod.Get, path, headers), TestContext.Current.CancellationToken);

    [GeneratedRegex("(?:src|href)=\"([^\"#]+)\"")]
    private static partial Regex FileReference();

    [GeneratedRegex("from \"\\./([a-z-]+\\.js)\"")]
    private static partial Regex ImportReference();
}
