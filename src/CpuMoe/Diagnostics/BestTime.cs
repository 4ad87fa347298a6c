using System.Diagnostics;

namespace CpuMoe.Diagnostics;

/// <summary>The shortest time of a repeated pass: what the machine can do when nothing disturbs it.</summary>
/// <remarks>
/// Repeating until nothing improves also waits for the compiler, which replaces hot methods by faster ones while they
/// run; no separate warm-up is needed.
/// </remarks>
public static class BestTime
{
    // A faster pass within this margin is noise, not progress.
    private const double Progress = 0.98;

    private const int MostPatience = 10;

    /// <summary>Repeats <paramref name="pass"/> until it has not become faster for a while.</summary>
    /// <param name="pass">The work to time, run at least once.</param>
    /// <param name="patience">How long to go on without improvement; ten times that is the most in all, but for the pass then running.</param>
    /// <param name="cancellationToken">Ends the repetition between two passes.</param>
    /// <returns>The shortest time, positive.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static TimeSpan Of(Action pass, TimeSpan patience, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pass);
        TimeSpan best = TimeSpan.MaxValue;
        long start = Stopwatch.GetTimestamp();
        long improved = start;
        long now;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            long began = Stopwatch.GetTimestamp();
            pass();
            now = Stopwatch.GetTimestamp();
            TimeSpan taken = Stopwatch.GetElapsedTime(began, now);
            improved = taken < best * Progress ? now : improved;
            best = taken < best ? taken : best;
        }
        while (Stopwatch.GetElapsedTime(improved, now) < patience && Stopwatch.GetElapsedTime(start, now) < patience * MostPatience);

        return best > TimeSpan.Zero ? best : TimeSpan.FromTicks(1);
    }
}
