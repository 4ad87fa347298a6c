using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using CpuMoe.Generation;
using CpuMoe.Server.Hosting;
using CpuMoe.Serving;
using Microsoft.AspNetCore.Builder;

namespace CpuMoe.Server.Tests;

/// <summary>A server of the bundled model on a free port of the loopback interface.</summary>
public sealed class RunningServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private RunningServer(WebApplication application, Scheduler scheduler)
    {
        _application = application;
        Scheduler = scheduler;
        Address = new Uri(application.Urls.Single());
        Http = new HttpClient { BaseAddress = Address };
    }

    public Uri Address { get; }

    public HttpClient Http { get; }

    public Scheduler Scheduler { get; }

    public static async Task<RunningServer> StartAsync(LanguageModel model, SchedulerOptions options, Action<ServerOptions>? configure = null, Action<WebApplicationBuilder>? configureBuilder = null)
    {
        Scheduler scheduler = new(model, options);
        WebApplication application = ServerHost.Build(new ChatEngine(scheduler), new IPEndPoint(IPAddress.Loopback, 0), configure, configureBuilder);
        await application.StartAsync();
        return new RunningServer(application, scheduler);
    }

    public Task<HttpResponseMessage> PostAsync(string path, JsonNode body, bool stream = false) => PostAsync(path, body.ToJsonString(), stream);

    public Task<HttpResponseMessage> PostAsync(string path, string body, bool stream = false)
    {
        HttpRequestMessage request = new(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        return Http.SendAsync(request, stream ? HttpCompletionOption.ResponseHeadersRead : HttpCompletionOption.ResponseContentRead, TestContext.Current.CancellationToken);
    }

    public async Task<JsonNode> PostJsonAsync(string path, JsonNode body)
    {
        using HttpResponseMessage response = await PostAsync(path, body);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        return JsonNode.Parse(text)!;
    }

    public async Task<JsonNode> GetJsonAsync(string path) => JsonNode.Parse(await Http.GetStringAsync(path, TestContext.Current.CancellationToken))!;

    public Task StopAsync(CancellationToken cancellationToken = default) => _application.StopAsync(cancellationToken);

    /// <summary>Waits until nothing runs or waits any more.</summary>
    public async Task WaitUntilIdleAsync()
    {
        for (int i = 0; i < 500 && Scheduler.Statistics is { Running: > 0 } or { Waiting: > 0 }; i++)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Equal((0, 0), (Scheduler.Statistics.Running, Scheduler.Statistics.Waiting));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
        await Scheduler.DisposeAsync();
    }
}
