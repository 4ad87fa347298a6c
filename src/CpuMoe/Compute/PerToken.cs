namespace CpuMoe.Compute;

/// <summary>A step that treats every token of a batch by itself.</summary>
/// <param name="pool">The threads.</param>
/// <param name="step">Called with the token's row; created once, so that a pass allocates nothing.</param>
internal sealed class PerToken(WorkerPool pool, Action<int> step) : IParallelJob
{
    /// <summary>Runs the step for the rows [0, tokens).</summary>
    public void Run(int tokens) => pool.Run(this, tokens);

    void IParallelJob.Execute(int chunk, int worker) => step(chunk);
}
