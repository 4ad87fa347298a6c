namespace CpuMoe.Chat;

/// <summary>A tool that the model may call.</summary>
/// <param name="Name">The name by which it is called.</param>
/// <param name="Description">What it does and when to use it, if known.</param>
/// <param name="Parameters">The JSON Schema of its arguments (of type object) as JSON text; null for a tool without arguments.</param>
public sealed record ToolDefinition(string Name, string? Description, string? Parameters);
