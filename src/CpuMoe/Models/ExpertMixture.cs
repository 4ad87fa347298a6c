using CpuMoe.Compute;
using CpuMoe.Experts;

namespace CpuMoe.Models;

/// <summary>y[t] += sum of w_i * expert_i(x[t]) over the experts that the tokens of a batch were routed to.</summary>
/// <remarks>
/// Experts that are in memory are activated while others are still being read. Their results are always summed in
/// ascending order, so that where experts come from does not change a bit.
/// </remarks>
/// <param name="source">The weights.</param>
/// <param name="assignment">Who was routed where.</param>
/// <param name="feedForward">The networks.</param>
/// <param name="expertCount">Experts per layer.</param>
internal sealed unsafe class ExpertMixture(IExpertSource source, ExpertAssignment assignment, FeedForward feedForward, int expertCount)
{
    private readonly int[] _experts = new int[expertCount];
    private readonly int[] _ready = new int[expertCount];

    /// <summary>Runs the groups added to the feed-forward network so far, at places below 1, and all experts of a layer.</summary>
    /// <param name="layer">The index of the layer among those with experts.</param>
    /// <param name="tokens">The tokens that were assigned.</param>
    /// <param name="tiled">How many of these, the first ones, are multiplied by tiles.</param>
    /// <param name="hidden">Inner activations, [tokens * experts used][width].</param>
    /// <param name="y">[tokens][embedding].</param>
    /// <param name="cancellationToken">Ends a wait for the disk.</param>
    public void Run(int layer, int tokens, int tiled, ActivationMatrix hidden, float* y, CancellationToken cancellationToken)
    {
        ReadOnlySpan<int> experts = _experts.AsSpan(0, assignment.CopyExpertsTo(_experts));
        source.Begin(layer, experts, tokens);
        try
        {
            int ready = source.Take(_ready, wait: false, cancellationToken);
            do
            {
                foreach (int i in _ready.AsSpan(0, ready))
                {
                    int rows = assignment.TokensOf(experts[i], out int first);
                    feedForward.Add(1 + i, new FeedForwardGroup(
                        source[i], hidden, first, rows, assignment.TokensBefore(tiled, experts[i]), assignment.Tokens + first, assignment.Weights + first));
                }

                feedForward.Activate();
                if (!source.KeepsAll)
                {
                    feedForward.Accumulate(y);
                }

                ready = source.Take(_ready, wait: true, cancellationToken);
            }
            while (ready > 0);

            if (source.KeepsAll)
            {
                feedForward.Accumulate(y);
            }
        }
        finally
        {
            source.End();
        }
    }
}
