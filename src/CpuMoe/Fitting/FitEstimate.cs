namespace CpuMoe.Fitting;

/// <summary>Speeds in tokens per second.</summary>
/// <param name="Decode">Tokens generated, with the context asked for.</param>
/// <param name="Prefill">Tokens of a prompt of <see cref="FitEstimator.PromptTokens"/>.</param>
public sealed record FitSpeed(double Decode, double Prefill);

/// <summary>How a model of certain types runs on a machine.</summary>
/// <param name="FileBytes">The size of the file.</param>
/// <param name="ResidentBytes">Memory to hold all weights, the KV cache, activations and the process.</param>
/// <param name="SmallestBytes">The least memory with which the model runs, its experts paged.</param>
/// <param name="ActiveBytesPerToken">Weights that decoding reads per token.</param>
/// <param name="Resident">The speed with all weights in memory, whether the machine has as much or not.</param>
/// <param name="Paged">The speed with the memory there is; null where all fits, or too little is there to run at all, or the disk is unknown.</param>
/// <param name="HitRate">The share of expert requests expected to be found in memory, 0 to 1; 1 where all fits, null where the model does not run.</param>
/// <param name="Grade">How well that is.</param>
public sealed record FitEstimate(
    long FileBytes, long ResidentBytes, long SmallestBytes, long ActiveBytesPerToken, FitSpeed Resident, FitSpeed? Paged, double? HitRate, FitGrade Grade)
{
    /// <summary>Whether all fits in the memory there is.</summary>
    public bool Fits => HitRate == 1;

    /// <summary>The speed to expect with the memory there is; null where the model does not run or the disk is unknown.</summary>
    public FitSpeed? Expected => Fits ? Resident : Paged;
}
