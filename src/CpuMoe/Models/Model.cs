using CpuMoe.Experts;
using CpuMoe.Gguf;

namespace CpuMoe.Models;

/// <summary>A loaded model: bound weights and the forward pass of its architecture.</summary>
/// <remarks>Safe for use from several threads; passes are run one after the other.</remarks>
public abstract class Model : IDisposable
{
    /// <summary>The value of <c>general.architecture</c>.</summary>
    public abstract string Architecture { get; }

    /// <summary>The number of logits per position.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The longest sequence the model was made for, in tokens.</summary>
    public abstract int ContextLength { get; }

    /// <summary>Threads that work on a pass.</summary>
    public abstract int Threads { get; }

    /// <summary>Things in the file that are odd but harmless.</summary>
    public abstract IReadOnlyList<string> Warnings { get; }

    /// <summary>How the experts of a paged model were used so far; null where all weights are mapped.</summary>
    public virtual ExpertStatistics? ExpertStatistics => null;

    /// <summary>Binds the tensors of <paramref name="file"/>; the file must outlive the model.</summary>
    /// <exception cref="GgufFormatException">The file contradicts itself, or (<see cref="ModelLoadException"/>) the engine cannot run it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="MemoryBudgetException">The memory budget is too small for the model.</exception>
    public static Model Load(GgufFile file, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        options ??= new ModelOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.Threads, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Threads, ModelOptions.MaxThreads, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.BatchSize, ModelOptions.MaxBatchSize, nameof(options));

        const string Key = "general.architecture";
        return file.Metadata.GetString(Key) switch
        {
            Glm4MoeConfig.Architecture => new Glm4MoeModel(file, options),
            var other => throw new ModelLoadException(
                $"the architecture '{other}' is not supported; this engine runs: {Glm4MoeConfig.Architecture}.", file.Path, file.Metadata.OffsetOf(Key), Key),
        };
    }

    /// <summary>Creates an empty cache for one sequence.</summary>
    /// <param name="capacity">Positions, 1 or more.</param>
    /// <param name="type">The number format.</param>
    /// <exception cref="ArgumentException">The format does not fit the model's head size.</exception>
    /// <exception cref="MemoryBudgetException">The memory budget does not leave room for it.</exception>
    public abstract KvCache CreateCache(int capacity, KvType type);

    /// <summary>
    /// Evaluates <paramref name="tokens"/> at the positions after the end of <paramref name="cache"/>, appends them to
    /// it and writes logits: [VocabularySize] of the last token, [tokens.Length * VocabularySize] of all tokens, or
    /// nothing where <paramref name="logits"/> is empty. Tokens that must not be sampled have -infinity.
    /// </summary>
    /// <exception cref="ArgumentException">A token id out of range, a cache too small, or a wrong logits length.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between layers; the cache is as before the call.</exception>
    /// <exception cref="ExpertReadException">Weights could not be read; the cache is as before the call.</exception>
    public abstract void Forward(ReadOnlySpan<int> tokens, KvCache cache, Span<float> logits, CancellationToken cancellationToken = default);

    /// <inheritdoc/>
    public abstract void Dispose();
}
