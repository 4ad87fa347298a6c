using System.Globalization;
using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Quantization;

/// <summary>Writes a model in smaller number formats.</summary>
/// <remarks>
/// The weights are read, quantised and written piece by piece, so that the memory needed depends on the number of threads
/// and not on the model. The same source gives the same file on every machine and with any number of threads.
/// </remarks>
public sealed class ModelQuantizer
{
    private const string FileTypeKey = "general.file_type";
    private const string VersionKey = "general.quantization_version";
    private const uint QuantizationVersion = 2;

    private readonly GgufFile _source;
    private readonly QuantMix _mix;

    /// <summary>Decides on the types of all tensors.</summary>
    /// <param name="source">The model, its matrices in F32, F16, BF16 or Q8_0.</param>
    /// <param name="mix">The types to write.</param>
    /// <param name="rules">Types for single tensors that the mix quantises; of several that match the last one holds.</param>
    /// <exception cref="QuantizationException">A matrix is quantised already, or a type of <paramref name="rules"/> cannot be written.</exception>
    public ModelQuantizer(GgufFile source, QuantMix mix, params IReadOnlyList<TensorTypeRule> rules)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(mix);
        ArgumentNullException.ThrowIfNull(rules);
        if (rules.FirstOrDefault(rule => RowCodec.Of(rule.Type) is not { CanWrite: true }) is { } refused)
        {
            throw new QuantizationException($"{refused.Type} cannot be written; choose one of {string.Join(", ", WritableTypes)}");
        }

        _source = source;
        _mix = mix;
        Dictionary<GgufTensor, int> blocks = source.Tensors.ToDictionary(tensor => tensor, BlockOf);
        int blockCount = blocks.Values.DefaultIfEmpty(-1).Max() + 1;
        bool isTied = !source.TryGetTensor("output.weight", out _);
        Tensors = [.. source.Tensors.Select(tensor => new QuantizedTensor(tensor, TypeOf(tensor, blocks[tensor], blockCount, isTied, rules)))];
        ByteCount = Tensors.Sum(tensor => tensor.ByteCount);
    }

    /// <summary>The types that matrices can be given.</summary>
    public static IReadOnlyList<GgmlType> WritableTypes { get; } = [.. Enum.GetValues<GgmlType>().Where(type => RowCodec.Of(type) is { CanWrite: true })];

    /// <summary>The tensors in the order of the file.</summary>
    public IReadOnlyList<QuantizedTensor> Tensors { get; }

    /// <summary>The bytes of all tensors to be written.</summary>
    public long ByteCount { get; }

    /// <summary>Writes the model. Only when it is whole it is found under its name; a fault or a cancellation leaves nothing.</summary>
    /// <param name="path">The file to write; of a split model the name without the numbers.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Called now and then on the calling thread.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>The paths of the files.</returns>
    /// <exception cref="QuantizationException">The file would replace its own source, or a value cannot be quantised.</exception>
    /// <exception cref="IOException">The folder is missing, lacks space, or has such a file already; or a file cannot be read or written.</exception>
    /// <exception cref="GgufFormatException">The source was changed meanwhile.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public IReadOnlyList<string> Write(string path, QuantizationOptions? options = null, Action<QuantizationProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new QuantizationOptions();
        using GgufDraft draft = new(path, options.MaxPartBytes);
        if (_source.PartPaths.Any(draft.Claims))
        {
            throw new QuantizationException($"{path} is the model to be quantised; choose another name for the result");
        }

        draft.CheckNames(options.Overwrite);
        Declare(draft);
        draft.CheckSpace();

        string current = "";
        long total = _source.Tensors.Sum(tensor => tensor.ByteCount);
        long done = 0;
        using WorkerPool pool = new(options.Threads);
        using TensorConverter converter = new(_source, pool)
        {
            Converted = bytes =>
            {
                done += bytes;
                progress?.Invoke(new QuantizationProgress(current, done, total));
            },
        };
        foreach (QuantizedTensor tensor in Tensors)
        {
            current = tensor.Source.Name;
            draft.WriteTensor(current, output => converter.Convert(tensor.Source, tensor.Type, output, cancellation));
        }

        _source.EnsureUnchanged();
        return draft.Complete();
    }

    private static int BlockOf(GgufTensor tensor)
    {
        string[] parts = tensor.Name.Split('.', 3);
        return parts is ["blk", var number, _] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int block) ? block : -1;
    }

    private GgmlType TypeOf(GgufTensor tensor, int block, int blocks, bool isTied, IReadOnlyList<TensorTypeRule> rules)
    {
        if (!QuantMix.Quantizes(tensor.Name, tensor.Rank))
        {
            return tensor.Type;
        }

        long rowLength = tensor.Dimensions[0];
        GgmlType type = rules.LastOrDefault(rule => rule.Names.IsMatch(tensor.Name)) is { } rule
            ? QuantMix.Fit(rule.Type, rowLength)
            : _mix.TypeOf(tensor.Name, rowLength, block, blocks, isTied);
        return type == tensor.Type || tensor.Type is GgmlType.F32 or GgmlType.F16 or GgmlType.BF16 or GgmlType.Q8_0 ? type
            : throw new QuantizationException(
                $"{_source.PartPaths[tensor.Shard]}: tensor {GgufRules.Printable(tensor.Name)} is {tensor.Type} already, and quantising twice loses more than once; start from a file in F16, BF16, F32 or Q8_0");
    }

    private void Declare(GgufDraft draft)
    {
        string[] replaced = [FileTypeKey, VersionKey, .. GgufSplit.Keys];
        foreach (GgufEntry entry in _source.Metadata.Entries.Where(entry => !replaced.Contains(entry.Key)))
        {
            draft.Add(entry);
        }

        draft.Add(new GgufEntry(FileTypeKey, (uint)_mix.FileType));
        draft.Add(new GgufEntry(VersionKey, QuantizationVersion));
        foreach (QuantizedTensor tensor in Tensors)
        {
            draft.Declare(tensor.Source.Name, tensor.Type, tensor.Source.Dimensions.AsSpan(0, tensor.Source.Rank));
        }
    }
}
