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

    /// <summary>The most tokens that share a reading of the weights; longer passes read them several times.</summary>
    public abstract int BatchSize { get; }

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
    /// Evaluates tokens of several sequences, reading the weights once for all of them, appends them to their caches and
    /// writes the logits asked for. Tokens that must not be sampled have -infinity.
    /// </summary>
    /// <param name="tokens">The tokens of all segments, one segment after the other.</param>
    /// <param name="segments">The segments, those of prompts first; each has a cache of its own.</param>
    /// <param name="logits">[rows][<see cref="VocabularySize"/>], the rows of one segment after those of the other.</param>
    /// <param name="cancellationToken">Ends the pass between layers.</param>
    /// <exception cref="ArgumentException">A token id out of range, a cache too small, shared or of another model, or a wrong number of tokens or logits.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the caches are as before the call.</exception>
    /// <exception cref="ExpertReadException">Weights could not be read; the caches are as before the call.</exception>
    public abstract void Forward(ReadOnlySpan<int> tokens, ReadOnlySpan<SequenceSegment> segments, Span<float> logits, CancellationToken cancellationToken = default);

    /// <summary>
    /// Evaluates <paramref name="tokens"/> at the positions after the end of <paramref name="cache"/>, appends them to
    /// it and writes logits: [VocabularySize] of the last token, [tokens.Length * VocabularySize] of all tokens, or
    /// nothing where <paramref name="logits"/> is empty. Several tokens are taken for a prompt, a single one is not.
    /// </summary>
    /// <exception cref="ArgumentException">A token id out of range, a cache too small, or a wrong logits length.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between layers; the cache is as before the call.</exception>
    /// <exception cref="ExpertReadException">Weights could not be read; the cache is as before the call.</exception>
    public void Forward(ReadOnlySpan<int> tokens, KvCache cache, Span<float> logits, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(cache);
        int rows = logits.Length / VocabularySize;
        if (rows > 1 && rows != tokens.Length)
        {
            throw new ArgumentException($"{logits.Length} logits are neither 0, {VocabularySize} nor {(long)tokens.Length * VocabularySize}.", nameof(logits));
        }

        ReadOnlySpan<SequenceSegment> segment = [new SequenceSegment(cache, tokens.Length, rows, IsPrompt: tokens.Length > 1)];
        Forward(tokens, segment, logits, cancellationToken);
    }

    /// <inheritdoc/>
    public abstract void Dispose();
}
