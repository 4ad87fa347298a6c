using System.Numerics.Tensors;

namespace CpuMoe.Generation;

/// <summary>Reports how likely tokens were: log-softmax of the logits before anything changes them.</summary>
/// <param name="top">The number of most likely tokens to report.</param>
/// <param name="vocabularySize">Logits per step.</param>
internal sealed class LogprobRecorder(int top, int vocabularySize)
{
    private readonly float[] _logits = new float[vocabularySize];
    private readonly float[] _powers = new float[vocabularySize];
    private readonly Candidate[] _scratch = new Candidate[top];

    /// <summary>Takes the logits of a step.</summary>
    public void Take(ReadOnlySpan<float> logits) => logits.CopyTo(_logits);

    /// <summary>The probabilities of the step whose logits were taken.</summary>
    public TokenLogprobs Of(int chosen)
    {
        float max = TensorPrimitives.MaxNumber<float>(_logits);
        TensorPrimitives.Subtract(_logits, max, _powers);
        TensorPrimitives.Exp(_powers, _powers);
        double logSum = max + Math.Log(TensorPrimitives.Sum<float>(_powers));
        Span<Candidate> best = _scratch.Length == 0 ? [] : TopK.Keep(_logits, _scratch);
        best.Sort((a, b) => a.Id == b.Id ? 0 : a.IsBefore(b) ? -1 : 1);
        var likeliest = new TokenLogprob[best.Length];
        for (int i = 0; i < best.Length; i++)
        {
            likeliest[i] = Logprob(best[i].Id);
        }

        return new TokenLogprobs(Logprob(chosen), likeliest);

        TokenLogprob Logprob(int id) => new(id, (float)(_logits[id] - logSum));
    }
}
