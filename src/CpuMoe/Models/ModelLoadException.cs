using CpuMoe.Gguf;

namespace CpuMoe.Models;

/// <summary>A well-formed GGUF file that this engine cannot run: an unknown architecture, a missing tensor, a wrong shape, an unsupported type.</summary>
public sealed class ModelLoadException : GgufFormatException
{
    /// <inheritdoc cref="GgufFormatException(string, string?, long, string, Exception?)"/>
    public ModelLoadException(string problem, string? file, long offset, string field)
        : base(problem, file, offset, field)
    {
    }
}
