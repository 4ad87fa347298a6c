namespace CpuMoe.Chat.Templates;

/// <summary>A place in the source of a template, both numbers from 1.</summary>
internal readonly record struct SourcePosition(int Line, int Column);
