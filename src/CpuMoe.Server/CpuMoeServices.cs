using CpuMoe.Server.Hosting;
using CpuMoe.Server.Operations;
using CpuMoe.Serving;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OpenTelemetry.Metrics;

namespace CpuMoe.Server;

/// <summary>Registers what the endpoints need.</summary>
/// <example>
/// <code>
/// using CpuMoe.Generation;
/// using CpuMoe.Server;
/// using CpuMoe.Serving;
///
/// using LanguageModel model = LanguageModel.Load("model.gguf");
/// await using Scheduler scheduler = new(model);
/// WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
/// builder.Services.AddCpuMoeServer(new ChatEngine(scheduler));
/// WebApplication app = builder.Build();
/// app.MapCpuMoe();
/// app.Run();
/// </code>
/// </example>
public static class CpuMoeServices
{
    /// <summary>Serves the model of an engine.</summary>
    /// <param name="services">The services of the application.</param>
    /// <param name="engine">Answers; its scheduler is shut down with the application, but stays the caller's to dispose.</param>
    /// <param name="configure">Sets options.</param>
    public static IServiceCollection AddCpuMoeServer(this IServiceCollection services, ChatEngine engine, Action<ServerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(engine);
        services.AddOptions<ServerOptions>().Configure(configure ?? (_ => { }));
        services.AddMetrics();
        services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(ServerMetrics.MeterName).AddPrometheusExporter());
        services.TryAddSingleton(engine);
        services.TryAddSingleton<ServerMetrics>();
        services.TryAddSingleton<ServerContext>();
        services.AddHostedService<GracefulShutdown>();
        return services;
    }
}
