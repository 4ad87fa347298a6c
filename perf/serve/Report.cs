namespace CpuMoe.ServerLoad;

/// <summary>What was measured, and what is not as it must be.</summary>
internal sealed class Report(TextWriter output)
{
    private readonly List<string> _failures = [];

    /// <summary>Whether all is as it must be.</summary>
    public bool IsGood => _failures.Count == 0;

    /// <summary>Writes a line.</summary>
    public void Write(string line) => output.WriteLine(line);

    /// <summary>Notes what must be; <see cref="End"/> tells what is not.</summary>
    public void Require(bool isMet, string failure)
    {
        if (!isMet)
        {
            _failures.Add(failure);
        }
    }

    /// <summary>Writes what is not as it must be.</summary>
    public void End() => _failures.ForEach(failure => output.WriteLine($"FAILED: {failure}"));
}
