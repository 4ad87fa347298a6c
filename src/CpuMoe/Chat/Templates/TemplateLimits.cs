namespace CpuMoe.Chat.Templates;

/// <summary>
/// What the rendering of one prompt may use. Templates come with model files, which need not be trusted. The defaults
/// are far above what conversations of a million characters need.
/// </summary>
public sealed record TemplateLimits
{
    /// <summary>The longest source that is read, in UTF-16 units; templates of real models have up to 30,000.</summary>
    internal const int SourceLength = 1 << 18;

    /// <summary>How deep the source may nest.</summary>
    internal const int SourceDepth = 100;

    /// <summary>Nodes of the template that may be evaluated; long texts count for more than one.</summary>
    public long Steps { get; init; } = 4_000_000;

    /// <summary>Nodes that may be in evaluation at once, macros in macros.</summary>
    public int Depth { get; init; } = 1000;

    /// <summary>Bytes of texts, lists and maps that may be made; what is dropped is not given back.</summary>
    public long Memory { get; init; } = 48 << 20;

    /// <summary>The longest prompt, in UTF-16 units.</summary>
    public int OutputLength { get; init; } = 1 << 23;
}
