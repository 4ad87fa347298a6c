namespace CpuMoe.Tests;

/// <summary>Tests that look at the whole process (its threads, its allocations) and so run when no other test does.</summary>
[CollectionDefinition(nameof(RunAlone), DisableParallelization = true)]
public sealed class RunAlone;
