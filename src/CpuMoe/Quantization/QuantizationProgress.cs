namespace CpuMoe.Quantization;

/// <summary>How far a model is quantised.</summary>
/// <param name="Tensor">The tensor in work.</param>
/// <param name="BytesRead">Bytes of tensors read so far.</param>
/// <param name="BytesTotal">Bytes of all tensors of the source.</param>
public readonly record struct QuantizationProgress(string Tensor, long BytesRead, long BytesTotal);
