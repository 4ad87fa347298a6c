namespace CpuMoe.Serving;

/// <summary>A generation was ended because it took longer than the scheduler allows.</summary>
/// <param name="message">What took how long.</param>
/// <param name="isInQueue">Whether it waited for a slot.</param>
public sealed class TimeLimitException(string message, bool isInQueue) : Exception(message)
{
    /// <summary>Whether it waited for a slot all the time, so that a later request may succeed.</summary>
    public bool IsInQueue { get; } = isInQueue;
}
