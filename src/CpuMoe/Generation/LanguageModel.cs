using System.Diagnostics;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Text;

namespace CpuMoe.Generation;

/// <summary>A GGUF file opened for generation: its weights and its tokenizer. Owns the file and the model.</summary>
/// <example>
/// <code>
/// using CpuMoe.Generation;
///
/// using LanguageModel model = LanguageModel.Load("model.gguf");
/// using Session session = model.CreateSession();
/// foreach (GenerationUpdate update in session.Generate(model.Tokenizer.Encode("Once upon a time", parseSpecial: false), new GenerationOptions { MaxTokens = 100 }))
/// {
///     Console.Write(update.Text);
/// }
/// </code>
/// </example>
public sealed class LanguageModel : IDisposable
{
    private bool _isDisposed;

    /// <summary>Puts a model together; it owns the file and the weights from here on.</summary>
    internal LanguageModel(GgufFile file, Model model, Tokenizer tokenizer, TimeSpan loadTime)
    {
        File = file;
        Model = model;
        Tokenizer = tokenizer;
        LoadTime = loadTime;
    }

    /// <summary>Opens, checks and binds a model.</summary>
    /// <exception cref="GgufFormatException">The file is malformed or cannot be run.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static LanguageModel Load(string path, ModelOptions? options = null)
    {
        long start = Stopwatch.GetTimestamp();
        GgufFile? file = null;
        Model? model = null;
        try
        {
            file = GgufFile.Open(path);
            Tokenizer tokenizer = Tokenizer.FromGguf(file.Metadata);
            model = Model.Load(file, options);
            return new LanguageModel(file, model, tokenizer, Stopwatch.GetElapsedTime(start)) { Compute = options?.Compute ?? default };
        }
        catch
        {
            model?.Dispose();
            file?.Dispose();
            throw;
        }
    }

    /// <summary>The file.</summary>
    public GgufFile File { get; }

    /// <summary>The weights and the forward pass.</summary>
    public Model Model { get; }

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>How weights are multiplied with activations.</summary>
    internal ComputePath Compute { get; private init; }

    /// <summary>How long loading took.</summary>
    public TimeSpan LoadTime { get; }

    /// <summary>Creates an empty session.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A context length that the model was not made for.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public Session CreateSession(SessionOptions? options = null)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return new Session(Model, Tokenizer, options ?? new SessionOptions(), EnsureUsable);
    }

    /// <summary>Closes the model and the file. Dispose sessions first; a session left over can only be disposed.</summary>
    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            Model.Dispose(); // Points into the file.
            File.Dispose();
        }
    }

    /// <summary>Throws when the model cannot be used any more.</summary>
    internal void EnsureUsable()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        File.EnsureUnchanged();
    }
}
