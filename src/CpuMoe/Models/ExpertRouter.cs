using System.Numerics.Tensors;

namespace CpuMoe.Models;

/// <summary>How router outputs become scores; numbers as in <c>expert_gating_func</c>.</summary>
internal enum GatingFunction
{
    /// <summary>Softmax over all experts.</summary>
    Softmax = 1,

    /// <summary>Sigmoid of each.</summary>
    Sigmoid = 2,

    /// <summary>Softmax over the selected experts only.</summary>
    SoftmaxOverSelected = 3,
}

/// <summary>The constants of a router.</summary>
/// <param name="Gating">The gating function.</param>
/// <param name="ExpertsUsed">Experts per token.</param>
/// <param name="NormalizeWeights">Whether the weights of the selected experts are divided by their sum.</param>
/// <param name="WeightScale">Factor of the weights.</param>
internal sealed record RouterSettings(GatingFunction Gating, int ExpertsUsed, bool NormalizeWeights, float WeightScale);

/// <summary>Chooses the experts of a token and their weights.</summary>
/// <remarks>
/// Selection adds a bias to the scores, weights do not (DeepSeek-V3, "Auxiliary-Loss-Free Load Balancing", 2024).
/// Ties go to the lower expert; NaN scores are never preferred.
/// </remarks>
internal sealed class ExpertRouter(RouterSettings settings, int experts)
{
    // As llama.cpp: keeps a token whose scores all underflow from dividing by zero (the smallest normal F16).
    private const float MinWeightSum = 6.103515625e-5f;

    private readonly float[] _scores = new float[experts];
    private readonly float[] _selection = new float[experts];

    /// <summary>Writes the selected experts and their weights, best first.</summary>
    /// <param name="logits">[experts], the router's outputs.</param>
    /// <param name="bias">[experts], or empty for none.</param>
    /// <param name="selected">[ExpertsUsed].</param>
    /// <param name="weights">[ExpertsUsed].</param>
    public void Select(ReadOnlySpan<float> logits, ReadOnlySpan<float> bias, Span<int> selected, Span<float> weights)
    {
        switch (settings.Gating)
        {
            case GatingFunction.Sigmoid:
                TensorPrimitives.Sigmoid(logits, _scores);
                break;
            case GatingFunction.Softmax:
                SoftMax(logits, _scores);
                break;
            default:
                logits.CopyTo(_scores);
                break;
        }

        _scores.CopyTo(_selection, 0);
        if (!bias.IsEmpty)
        {
            TensorPrimitives.Add(_selection, bias, _selection);
        }

        for (int x = 0; x < experts; x++)
        {
            _selection[x] = float.IsNaN(_selection[x]) ? float.NegativeInfinity : _selection[x];
        }

        for (int k = 0; k < settings.ExpertsUsed; k++)
        {
            selected[k] = TakeBest();
            weights[k] = _scores[selected[k]];
        }

        if (settings.Gating == GatingFunction.SoftmaxOverSelected)
        {
            SoftMax(weights, weights);
        }

        if (settings.NormalizeWeights)
        {
            TensorPrimitives.Divide(weights, MathF.Max(TensorPrimitives.Sum<float>(weights), MinWeightSum), weights);
        }

        TensorPrimitives.Multiply(weights, settings.WeightScale, weights);
    }

    // TensorPrimitives.SoftMax does not subtract the maximum: it overflows for values above 88.
    private static void SoftMax(ReadOnlySpan<float> x, Span<float> y)
    {
        TensorPrimitives.Subtract(x, TensorPrimitives.Max(x), y);
        TensorPrimitives.Exp(y, y);
        TensorPrimitives.Divide(y, TensorPrimitives.Sum<float>(y), y);
    }

    private int TakeBest()
    {
        // NaN marks the experts already taken.
        int best = -1;
        for (int x = 0; x < _selection.Length; x++)
        {
            if (!float.IsNaN(_selection[x]) && (best < 0 || _selection[x] > _selection[best]))
            {
                best = x;
            }
        }

        _selection[best] = float.NaN;
        return best;
    }
}
