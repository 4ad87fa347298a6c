using CpuMoe.Models;

namespace CpuMoe.Generation;

/// <summary>Options of a session.</summary>
public sealed record SessionOptions
{
    private const int DefaultContextLimit = 8192;

    /// <summary>Positions in the KV cache, at most the model's context length; 0 means that length, but at most 8192.</summary>
    public int ContextLength { get; init; }

    /// <summary>The number format of the KV cache.</summary>
    public KvType KvType { get; init; } = KvType.F16;

    /// <summary>The positions that a context length asks for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The model was not made for so many.</exception>
    internal static int Positions(int contextLength, Model model)
    {
        if (contextLength < 0 || contextLength > model.ContextLength)
        {
            throw new ArgumentOutOfRangeException(
                nameof(contextLength),
                $"{nameof(ContextLength)} is {contextLength}, but must be 1 to {model.ContextLength}, the most this model was made for, or 0 for the default.");
        }

        return contextLength == 0 ? Math.Min(model.ContextLength, DefaultContextLimit) : contextLength;
    }
}
