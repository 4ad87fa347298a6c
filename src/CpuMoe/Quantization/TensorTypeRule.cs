using System.Text.RegularExpressions;
using CpuMoe.Gguf;

namespace CpuMoe.Quantization;

/// <summary>A type for some tensors that differs from that of the mix.</summary>
/// <param name="Names">What is found anywhere in the names of the tensors.</param>
/// <param name="Type">Their type, if rows are whole blocks of it.</param>
public sealed record TensorTypeRule(Regex Names, GgmlType Type);
