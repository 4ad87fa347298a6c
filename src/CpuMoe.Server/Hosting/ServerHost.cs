using System.Net;
using CpuMoe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CpuMoe.Server.Hosting;

/// <summary>A web application that does nothing but serve a model: Kestrel within limits that keep strangers from tying it up.</summary>
public static class ServerHost
{
    private static readonly TimeSpan ShutdownReserve = TimeSpan.FromSeconds(10);

    /// <summary>Builds the application; start it with its <c>StartAsync</c>. Signals and logs are the caller's affair.</summary>
    /// <param name="engine">Answers.</param>
    /// <param name="endpoint">Address and port; port 0 takes a free one.</param>
    /// <param name="configure">Sets options of the endpoints.</param>
    /// <param name="configureBuilder">Adds to the application, such as its logs.</param>
    public static WebApplication Build(ChatEngine engine, IPEndPoint endpoint, Action<ServerOptions>? configure = null, Action<WebApplicationBuilder>? configureBuilder = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(endpoint);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        ServerOptions options = new();
        configure?.Invoke(options);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ConfigureEndpointDefaults(listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(130);
            kestrel.Limits.MaxRequestHeadersTotalSize = 32 << 10;
            if (endpoint.Address.Equals(IPAddress.Loopback) && endpoint.Port != 0)
            {
                // Over IPv6 too, where there is any.
                kestrel.ListenLocalhost(endpoint.Port);
            }
            else
            {
                kestrel.Listen(endpoint);
            }
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddCpuMoeServer(engine, configure);
        builder.Services.AddSingleton<IHostLifetime, LifetimeOfCaller>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownGrace + ShutdownReserve);
        configureBuilder?.Invoke(builder);
        WebApplication application = builder.Build();
        application.UseRouting();
        application.MapCpuMoe();
        new ApiRoutes(application, OpenAi.OpenAiErrors.Instance).MapNothing("/{**path}");
        return application;
    }

    /// <summary>Takes no signals: whoever built the application stops it.</summary>
    private sealed class LifetimeOfCaller : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
