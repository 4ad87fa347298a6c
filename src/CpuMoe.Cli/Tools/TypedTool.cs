using CpuMoe.Chat;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Tools;

/// <summary>A tool without a program behind it: the user types the results of its calls.</summary>
internal sealed class TypedTool(ToolDefinition definition, ChatPrompt prompt, CliConsole console) : ChatTool(definition)
{
    /// <inheritdoc/>
    public override string Origin => "typed by you";

    /// <inheritdoc/>
    public override Task<ToolResult> CallAsync(string arguments, CancellationToken cancellationToken)
    {
        console.Notice($"the model calls {Definition.Name} {OneLine.Of(arguments)}; type the result in one line");
        string? line = prompt.ReadLine("result> ");
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(line is null ? ToolResult.Failed("there is no result.") : new ToolResult(line));
    }
}
