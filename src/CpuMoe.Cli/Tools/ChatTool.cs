using CpuMoe.Chat;

namespace CpuMoe.Cli.Tools;

/// <summary>A tool that the model of a chat may call.</summary>
internal abstract class ChatTool(ToolDefinition definition)
{
    /// <summary>What the model reads of it.</summary>
    public ToolDefinition Definition { get; } = definition;

    /// <summary>Who carries calls out, for the user.</summary>
    public abstract string Origin { get; }

    /// <summary>Whether the user is asked before each call.</summary>
    public bool NeedsConsent { get; set; }

    /// <summary>Carries a call out.</summary>
    /// <param name="arguments">The text of a JSON object.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="OperationCanceledException">The user cancelled it; all other faults are results.</exception>
    public abstract Task<ToolResult> CallAsync(string arguments, CancellationToken cancellationToken);
}

/// <summary>What came of a call.</summary>
/// <param name="Text">What the model is told.</param>
/// <param name="Fault">What went wrong, for the user; null where nothing did.</param>
internal sealed record ToolResult(string Text, string? Fault = null)
{
    /// <summary>A call that failed.</summary>
    public static ToolResult Failed(string fault) => new($"Error: {fault}", fault);
}
