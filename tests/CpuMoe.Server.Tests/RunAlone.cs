namespace CpuMoe.Server.Tests;

/// <summary>Tests that load the machine, or that must be faster than a generation of the demo model, and so run when no other test does.</summary>
[CollectionDefinition(nameof(RunAlone), DisableParallelization = true)]
public sealed class RunAlone;
