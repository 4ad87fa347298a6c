using CpuMoe.Generation;

namespace CpuMoe.Synth;

/// <summary>How often a router is to choose each expert: by Zipf's law, the expert of rank r in proportion to r^-skew.</summary>
/// <remarks>
/// The means rest on router outputs that are normally distributed with variance 1 for every expert, as random rows give
/// on normalised activations, and on a threshold that the best experts of a token pass, about the same for all tokens.
/// </remarks>
internal sealed class ExpertPopularity
{
    // A share of tokens that a rank cannot exceed; the ranks below get what it cannot take.
    private const double MaxShareByBias = 0.99;
    private const double MaxShareByRowScale = 0.4;

    private readonly int _experts;
    private readonly int _used;
    private readonly double _skew;

    /// <summary>Creates the law.</summary>
    /// <param name="experts">Experts of a block.</param>
    /// <param name="used">Experts per token, fewer than <paramref name="experts"/>.</param>
    /// <param name="skew">Zipf's exponent; 0 makes all experts equal.</param>
    public ExpertPopularity(int experts, int used, double skew)
    {
        _experts = experts;
        _used = used;
        _skew = skew;
    }

    /// <summary>What to add to the sigmoid scores of each expert.</summary>
    /// <param name="random">Deals the ranks.</param>
    public float[] SelectionBiases(Xoshiro256 random) => Deal(MaxShareByBias, random, share => Score(Even) - Score(share));

    /// <summary>The factor of each expert's router row, for routers that have no biases: rows with larger outputs win more often.</summary>
    /// <param name="random">Deals the ranks.</param>
    public float[] RowScales(Xoshiro256 random) => Deal(MaxShareByRowScale, random, share => Quantile(1 - Even) / Quantile(1 - share));

    private double Even => (double)_used / _experts;

    /// <summary>The sigmoid score that an expert exceeds for a share of the tokens.</summary>
    private static double Score(double share) => 1 / (1 + Math.Exp(-Quantile(1 - share)));

    private float[] Deal(double maxShare, Xoshiro256 random, Func<double, double> valueOf)
    {
        float[] values = Array.ConvertAll(Shares(Math.Max(maxShare, Even)), share => (float)valueOf(share));
        for (int i = values.Length - 1; i > 0; i--)
        {
            int other = (int)(random.NextUInt64() % (ulong)(i + 1));
            (values[i], values[other]) = (values[other], values[i]);
        }

        return values;
    }

    /// <summary>The share of tokens that use the expert of each rank; their sum is the number of experts used.</summary>
    private double[] Shares(double maxShare)
    {
        double[] zipf = [.. Enumerable.Range(1, _experts).Select(rank => Math.Pow(rank, -_skew))];
        double factor = Solve(0, _used / zipf[^1], factor => zipf.Sum(weight => Math.Min(maxShare, factor * weight)) - _used);
        return Array.ConvertAll(zipf, weight => Math.Min(maxShare, factor * weight));
    }

    /// <summary>The inverse of the normal distribution function.</summary>
    private static double Quantile(double probability) => Solve(-8, 8, x => Normal(x) - probability);

    /// <summary>The normal distribution function: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17, error below 7.5e-8.</summary>
    private static double Normal(double x)
    {
        double t = 1 / (1 + (0.2316419 * Math.Abs(x)));
        double polynomial = t * (0.319381530 + (t * (-0.356563782 + (t * (1.781477937 + (t * (-1.821255978 + (t * 1.330274429))))))));
        double upper = Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI) * polynomial;
        return x >= 0 ? 1 - upper : upper;
    }

    /// <summary>The zero of a function that does not fall, by bisection.</summary>
    private static double Solve(double low, double high, Func<double, double> function)
    {
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = function(middle) < 0 ? (middle, high) : (low, middle);
        }

        return (low + high) / 2;
    }
}
