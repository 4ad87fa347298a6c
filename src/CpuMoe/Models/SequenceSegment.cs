namespace CpuMoe.Models;

/// <summary>A run of tokens of one sequence in a pass.</summary>
/// <param name="Cache">The sequence; the tokens come after those it holds.</param>
/// <param name="Tokens">The number of tokens, 1 or more.</param>
/// <param name="LogitRows">Of how many of the last tokens the logits are wanted.</param>
/// <param name="IsPrompt">
/// Whether the tokens are given, not generated one by one. It decides which kernels serve them, which differ in rounding;
/// with the same kernels a token's result does not depend on what else is in the pass.
/// </param>
public readonly record struct SequenceSegment(KvCache Cache, int Tokens, int LogitRows, bool IsPrompt);
