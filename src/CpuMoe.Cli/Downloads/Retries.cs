using System.Globalization;

namespace CpuMoe.Cli.Downloads;

/// <summary>Counts the failures of one request and waits between attempts.</summary>
/// <param name="settings">The waits.</param>
/// <param name="attempts">Failures after which it gives up.</param>
/// <param name="meter">Is told of waits.</param>
internal sealed class Retries(PullSettings settings, int attempts, PullMeter meter)
{
    private int _failures;

    /// <summary>Forgets the failures so far: there was progress.</summary>
    public void Reset() => _failures = 0;

    /// <summary>Waits after a failure.</summary>
    /// <exception cref="CliException">It was one too many, or the server asks to wait for too long.</exception>
    public async Task WaitAsync(TransferException fault, CancellationToken cancellation)
    {
        if (++_failures >= attempts)
        {
            throw new CliException($"{fault.Message}; gave up after {_failures} attempts");
        }

        if (fault.Wait > settings.LongestAskedWait)
        {
            throw new CliException(string.Create(
                CultureInfo.InvariantCulture, $"{fault.Message} and asks to wait for {fault.Wait.Value.TotalMinutes:F0} minutes; try again later (a token in HF_TOKEN raises the limits)"));
        }

        TimeSpan wait = fault.Wait ?? BackOff();
        using (meter.Wait(fault.Message, wait))
        {
            await Task.Delay(wait, cancellation);
        }
    }

    // Random, so that connections that failed together do not return together.
    private TimeSpan BackOff()
    {
        double seconds = settings.FirstWait.TotalSeconds * Math.Pow(2, _failures - 1);
        return TimeSpan.FromSeconds(Math.Min(seconds, settings.LongestWait.TotalSeconds) * (0.5 + (0.5 * Random.Shared.NextDouble())));
    }
}
