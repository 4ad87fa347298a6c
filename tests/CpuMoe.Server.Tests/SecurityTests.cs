using System.Net;

namespace CpuMoe.Server.Tests;

/// <summary>Who may use the server: keys, names of the host, origins of pages.</summary>
public class SecurityTests(ServerFixture fixture)
{
    private const string Origin = "https://chat.example.org";

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:123", true)]
    [InlineData("api.localhost", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.8.9.10:80", true)]
    [InlineData("[::1]:8080", true)]
    [InlineData("attacker.example", false)]
    [InlineData("localhost.attacker.example", false)]
    [InlineData("127.0.0.1.attacker.example", false)]
    [InlineData("192.168.1.5", false)]
    [InlineData("0.0.0.0", false)]
    public async Task Only_local_names_reach_a_local_server(string host, bool isAllowed)
    {
        foreach (string path in (string[])["/v1/models", "/health", "/v1/nothing"])
        {
            using HttpResponseMessage response = await SendAsync(fixture.Server, HttpMethod.Get, path, ("Host", host));
            Assert.Equal(isAllowed, response.StatusCode != HttpStatusCode.Forbidden);
        }
    }

    [Fact]
    public async Task Names_can_be_allowed()
    {
        await using RunningServer server = await fixture.StartAsync(options => options.AllowedHosts.Add("llm.example.org"));
        using HttpResponseMessage known = await SendAsync(server, HttpMethod.Get, "/v1/models", ("Host", "llm.example.org")), other = await SendAsync(server, HttpMethod.Get, "/v1/models", ("Host", "example.org"));

        Assert.Equal(HttpStatusCode.OK, known.StatusCode);
        await ErrorTests.CheckAsync(other, HttpStatusCode.Forbidden, "permission_error", null);
    }

    [Theory]
    [InlineData("https://attacker.example")]
    [InlineData("http://localhost:1")]
    [InlineData("null")]
    public async Task Pages_of_strangers_are_refused(string origin)
    {
        using HttpResponseMessage get = await SendAsync(fixture.Server, HttpMethod.Get, "/v1/models", ("Origin", origin));
        using HttpResponseMessage simple = await SendAsync(fixture.Server, HttpMethod.Post, Requests.ChatPath, ("Origin", origin), ("Content-Type", "text/plain"));
        using HttpResponseMessage preflight = await SendAsync(fixture.Server, HttpMethod.Options, Requests.ChatPath, ("Origin", origin), ("Access-Control-Request-Method", "POST"));

        foreach (HttpResponseMessage response in (HttpResponseMessage[])[get, simple, preflight])
        {
            await ErrorTests.CheckAsync(response, HttpStatusCode.Forbidden, "permission_error", null);
            Assert.DoesNotContain(response.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public async Task The_own_page_and_no_page_are_allowed()
    {
        string own = fixture.Server.Address.GetLeftPart(UriPartial.Authority);
        using HttpResponseMessage same = await SendAsync(fixture.Server, HttpMethod.Get, "/v1/models", ("Origin", own), ("Sec-Fetch-Site", "same-origin"));
        using HttpResponseMessage typed = await SendAsync(fixture.Server, HttpMethod.Get, "/v1/models", ("Sec-Fetch-Site", "none"));
        using HttpResponseMessage linked = await SendAsync(fixture.Server, HttpMethod.Get, "/v1/models", ("Sec-Fetch-Site", "cross-site"));
        using HttpResponseMessage form = await SendAsync(fixture.Server, HttpMethod.Post, Requests.ChatPath, ("Origin", own), ("Content-Type", "text/plain"));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Forbidden), (same.StatusCode, typed.StatusCode, linked.StatusCode));
        Assert.False(same.Headers.Contains("Access-Control-Allow-Origin"));
        await ErrorTests.CheckAsync(form, HttpStatusCode.UnsupportedMediaType, "invalid_request_error", null);
    }

    [Fact]
    public async Task Allowed_pages_may_ask_and_read()
    {
        await using RunningServer server = await fixture.StartAsync(options =>
        {
            options.CorsOrigins.Add(Origin);
            options.ApiKeys.Add("secret");
        });
        using HttpResponseMessage preflight = await SendAsync(
            server, HttpMethod.Options, Requests.ChatPath, ("Origin", Origin), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization"));
        using HttpResponseMessage refused = await SendAsync(server, HttpMethod.Get, "/v1/models", ("Origin", Origin));
        using HttpResponseMessage answered = await SendAsync(server, HttpMethod.Get, "/v1/models", ("Origin", Origin), ("Authorization", "Bearer secret"));

        Assert.Equal(HttpStatusCode.NoContent, preflight.StatusCode);
        Assert.Equal(Origin, Assert.Single(preflight.Headers.GetValues("Access-Control-Allow-Origin")));
        Assert.Contains("authorization", Assert.Single(preflight.Headers.GetValues("Access-Control-Allow-Headers")), StringComparison.Ordinal);
        Assert.False(preflight.Headers.Contains("Access-Control-Allow-Credentials"));
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (refused.StatusCode, answered.StatusCode));
        Assert.All((HttpResponseMessage[])[refused, answered], response => Assert.Equal(Origin, Assert.Single(response.Headers.GetValues("Access-Control-Allow-Origin"))));
    }

    [Theory]
    [InlineData("Authorization", "Bearer first", true)]
    [InlineData("authorization", "bearer second", true)]
    [InlineData("x-api-key", "second", true)]
    [InlineData("Authorization", "Bearer firs", false)]
    [InlineData("Authorization", "Bearer first2", false)]
    [InlineData("Authorization", "Bearer ", false)]
    [InlineData("Authorization", "Basic first", false)]
    [InlineData("Authorization", "first", false)]
    [InlineData("x-api-key", "FIRST", false)]
    [InlineData("x-other", "first", false)]
    public async Task Keys_open_everything_but_health(string header, string value, bool isKnown)
    {
        await using RunningServer server = await fixture.StartAsync(options =>
        {
            options.ApiKeys.Add("first");
            options.ApiKeys.Add("second");
        });
        foreach (string path in (string[])["/v1/models", "/props", "/slots", "/metrics", "/v1/nothing"])
        {
            using HttpResponseMessage response = await SendAsync(server, HttpMethod.Get, path, (header, value));
            if (isKnown)
            {
                Assert.NotEqual(HttpStatusCode.Unauthorized, response.StatusCode);
            }
            else
            {
                await ErrorTests.CheckAsync(response, HttpStatusCode.Unauthorized, "invalid_request_error", "invalid_api_key");
                Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
            }
        }

        using HttpResponseMessage health = await SendAsync(server, HttpMethod.Get, "/health");
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }

    private static Task<HttpResponseMessage> SendAsync(RunningServer server, HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        HttpRequestMessage request = new(method, path);
        if (method == HttpMethod.Post)
        {
            request.Content = new StringContent(Requests.Chat("Hi", """{"max_tokens":1}""").ToJsonString());
            request.Content.Headers.ContentType = null;
        }

        foreach ((string name, string value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value) || request.Content!.Headers.TryAddWithoutValidation(name, value), name);
        }

        return server.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
