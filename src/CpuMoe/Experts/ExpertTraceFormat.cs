namespace CpuMoe.Experts;

/// <summary>The file that says which experts each pass over a model asked for.</summary>
/// <remarks>
/// Little-endian. Header: the 8 bytes <c>MOETRACE</c>; u32 version (1); u32 experts per layer; u32 experts per token;
/// u32 layers with experts; then for each such layer u32 block (its index among all blocks of the model) and u64 bytes
/// of one expert (gate, up and down together). Requests follow to the end of the file, in the order in which they were
/// made, all numbers LEB128 (7 bits per byte, low bits first, at most 5 bytes):
/// <code>
/// pass     0: the pass of the request before goes on; else 2 * tokens of a new pass, + 1 if it is a prefill
/// layer    index among the layers of the header; within a pass they ascend
/// count    the experts asked for, 1 or more, each once and in ascending order
/// gaps     for each the experts left out since the one before: 0 for its neighbour
/// </code>
/// A pass that was cancelled ends early. With 128 experts and 8 per token a decoded token takes 11 bytes per layer.
/// </remarks>
internal static class ExpertTraceFormat
{
    public const int Version = 1;
    public const int MaxLayers = 4096;
    public const int MaxExperts = 65536;
    public const int MaxNumberBytes = 5;

    /// <summary>The most experts of all layers together.</summary>
    public const int MaxTotalExperts = 1 << 20;

    /// <summary>The most tokens of a pass.</summary>
    public const int MaxTokens = 1 << 24;

    /// <summary>The most bytes of a file that are analysed: of GLM-4.5-Air some 130,000 tokens.</summary>
    public const int MaxFileBytes = 64 << 20;

    public static ReadOnlySpan<byte> Magic => "MOETRACE"u8;
}

/// <summary>A layer with experts in a trace.</summary>
/// <param name="Block">Its index among all blocks of the model.</param>
/// <param name="ExpertBytes">Bytes of one expert: gate, up and down together; at least 1.</param>
public sealed record ExpertTraceLayer(int Block, long ExpertBytes);

/// <summary>What a pass over the model was for.</summary>
public enum ExpertPassKind
{
    /// <summary>It generated: one token, or a few in speculation.</summary>
    Decode = 0,

    /// <summary>It read a batch of a prompt.</summary>
    Prefill = 1,
}
