using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Text;

namespace CpuMoe.Generation;

/// <summary>A GGUF file opened for generation: its weights and its tokenizer.</summary>
public sealed class LanguageModel : IDisposable
{
    /// <summary>Opens, checks and binds a model.</summary>
    /// <exception cref="GgufFormatException">The file is malformed or cannot be run.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static LanguageModel Load(string path, ModelOptions? options = null) => throw new NotImplementedException();

    /// <summary>The file.</summary>
    public GgufFile File => throw new NotImplementedException();

    /// <summary>The weights and the forward pass.</summary>
    public Model Model => throw new NotImplementedException();

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer => throw new NotImplementedException();

    /// <summary>How long loading took.</summary>
    public TimeSpan LoadTime => throw new NotImplementedException();

    /// <summary>Creates an empty session.</summary>
    public Session CreateSession(SessionOptions? options = null) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
