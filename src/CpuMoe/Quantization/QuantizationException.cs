namespace CpuMoe.Quantization;

/// <summary>A model that cannot be quantised as asked.</summary>
public sealed class QuantizationException : Exception
{
    internal QuantizationException(string message)
        : base(message)
    {
    }
}
