using CpuMoe.Extensions.AI;
using Microsoft.Extensions.AI;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the engine as a chat client.</summary>
public static class CpuMoeServiceCollectionExtensions
{
    /// <summary>
    /// Registers an <see cref="IChatClient"/> over a model in this process, as a singleton. The model is loaded when the
    /// client is first asked for, and closed with the container.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets at least <see cref="CpuMoeOptions.ModelPath"/>.</param>
    /// <returns>Puts other clients in front of this one: function invocation, telemetry, logging, a cache.</returns>
    public static ChatClientBuilder AddCpuMoe(this IServiceCollection services, Action<CpuMoeOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddChatClient(_ => Create(configure));
    }

    /// <summary>As <see cref="AddCpuMoe"/>, for one of several models told apart by a key.</summary>
    /// <param name="services">The services.</param>
    /// <param name="serviceKey">The key by which the client is asked for.</param>
    /// <param name="configure">Sets at least <see cref="CpuMoeOptions.ModelPath"/>.</param>
    /// <returns>Puts other clients in front of this one.</returns>
    public static ChatClientBuilder AddKeyedCpuMoe(this IServiceCollection services, object? serviceKey, Action<CpuMoeOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddKeyedChatClient(serviceKey, _ => Create(configure));
    }

    private static CpuMoeChatClient Create(Action<CpuMoeOptions> configure)
    {
        CpuMoeOptions options = new();
        configure(options);
        return new CpuMoeChatClient(options);
    }
}
