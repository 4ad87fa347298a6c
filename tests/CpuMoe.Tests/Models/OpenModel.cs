using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Tests.Gguf;

namespace CpuMoe.Tests.Models;

/// <summary>A model written to a file of its own and loaded from it.</summary>
internal sealed class OpenModel : IDisposable
{
    private readonly TempFolder _folder = new();

    public OpenModel(TinyGlm shape, ModelOptions? options = null)
        : this(shape.Build(), options)
    {
    }

    public OpenModel(TinyGlmContent content, ModelOptions? options = null)
    {
        try
        {
            content.Write(_folder.PathOf("tiny.gguf"));
            File = GgufFile.Open(_folder.PathOf("tiny.gguf"));
            Model = Model.Load(File, options ?? new ModelOptions { Threads = 2 });
        }
        catch
        {
            File?.Dispose();
            _folder.Dispose();
            throw;
        }
    }

    public GgufFile File { get; }

    public Model Model { get; }

    /// <summary>A second model on the same file.</summary>
    public Model LoadAgain(ModelOptions options) => Model.Load(File, options);

    public void Dispose()
    {
        Model.Dispose();
        File.Dispose();
        _folder.Dispose();
    }
}

/// <summary>Short forms of the pass.</summary>
internal static class ModelExtensions
{
    /// <summary>The logits behind every token of a fresh sequence, [tokens * VocabularySize].</summary>
    public static float[] AllLogits(this Model model, ReadOnlySpan<int> tokens, KvType type = KvType.F32)
    {
        using KvCache cache = model.CreateCache(tokens.Length, type);
        return model.Append(cache, tokens);
    }

    /// <summary>The logits behind every one of further tokens.</summary>
    public static float[] Append(this Model model, KvCache cache, params ReadOnlySpan<int> tokens)
    {
        float[] logits = new float[tokens.Length * model.VocabularySize];
        model.Evaluate(tokens, cache, logits);
        return logits;
    }

    /// <summary>The pass, ended with the test.</summary>
    public static void Evaluate(this Model model, ReadOnlySpan<int> tokens, KvCache cache, Span<float> logits) =>
        model.Forward(tokens, cache, logits, TestContext.Current.CancellationToken);

    /// <summary>Random tokens of a <see cref="TinyGlm"/>.</summary>
    public static int[] RandomTokens(int count, int seed = 1, int most = 40)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(most))];
    }
}
