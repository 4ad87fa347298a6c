namespace CpuMoe.Serving;

/// <summary>A request was refused because the queue is full or the scheduler shuts down; a later one may succeed.</summary>
public sealed class SchedulerBusyException(string message, bool isShuttingDown = false) : Exception(message)
{
    /// <summary>Whether the scheduler shuts down, so that only another process can serve a retry.</summary>
    public bool IsShuttingDown { get; } = isShuttingDown;
}
