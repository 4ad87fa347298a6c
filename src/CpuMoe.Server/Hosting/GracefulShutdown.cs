using Microsoft.Extensions.Hosting;

namespace CpuMoe.Server.Hosting;

/// <summary>Lets running requests finish before the server closes its sockets: until then new ones are refused in due form.</summary>
internal sealed class GracefulShutdown(ServerContext server) : IHostedLifecycleService
{
    /// <inheritdoc/>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        server.BeginShutdown();
        Task done = server.Models.Model.Scheduler.ShutDownAsync(server.Options.ShutdownGrace);
        try
        {
            await done.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Somebody is in a hurry.
            await server.Models.Model.Scheduler.ShutDownAsync(TimeSpan.Zero);
        }
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
