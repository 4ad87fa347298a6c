using System.Globalization;
using CpuMoe.Generation;
using CpuMoe.Gguf;
using CpuMoe.Quantization;

namespace CpuMoe.QuantizeComparison;

/// <summary>What a result may be, as a multiple of that of llama.cpp.</summary>
internal static class Limits
{
    public const double Error = 1.05;
    public const double Perplexity = 1.01;
}

/// <summary>Quantises a model twice and prints what differs.</summary>
/// <param name="llama">The other quantiser.</param>
/// <param name="output">Where to print.</param>
internal sealed class Comparison(LlamaQuantizer llama, TextWriter output)
{
    private static readonly int[] Contexts = [128, 512];

    /// <summary>A text for the perplexity; null to leave it out.</summary>
    public string? Text { get; init; }

    public required RecordedPerplexity Recorded { get; init; }

    /// <summary>Whether all was within <see cref="Limits"/>.</summary>
    public bool IsGood { get; private set; } = true;

    public void Run(string model, string mixName)
    {
        if (!QuantMix.TryFind(mixName, out QuantMix? mix))
        {
            throw new ArgumentException($"{mixName} is none of {string.Join(", ", QuantMix.All)}");
        }

        DirectoryInfo folder = Directory.CreateTempSubdirectory("cpumoe-quantize-");
        try
        {
            string ours = Path.Combine(folder.FullName, "ours.gguf");
            string theirs = Path.Combine(folder.FullName, "theirs.gguf");
            using GgufFile source = GgufFile.Open(model);
            new ModelQuantizer(source, mix).Write(ours);
            llama.Quantize(model, theirs, mix.FileType);
            output.WriteLine($"{Path.GetFileName(model)} to {mix}");
            CompareTensors(source, ours, theirs);
            if (Text is not null)
            {
                ComparePerplexity(model, mix.Name, ours, theirs);
            }

            output.WriteLine();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private void CompareTensors(GgufFile source, string oursPath, string theirsPath)
    {
        using GgufFile ours = GgufFile.Open(oursPath);
        using GgufFile theirs = GgufFile.Open(theirsPath);
        Dictionary<GgmlType, List<(string Name, TensorError Ours, TensorError Theirs)>> byType = [];
        foreach (GgufTensor tensor in theirs.Tensors)
        {
            if (!ours.TryGetTensor(tensor.Name, out GgufTensor? own) || own.Type != tensor.Type)
            {
                IsGood = false;
                output.WriteLine($"  {tensor.Name} is {own?.Type.ToString() ?? "missing"}, of llama.cpp {tensor.Type}");
            }
            else if (source.TryGetTensor(tensor.Name, out GgufTensor? original) && original.Type != tensor.Type)
            {
                byType.TryAdd(tensor.Type, []);
                byType[tensor.Type].Add((tensor.Name, TensorError.Of(original, own), TensorError.Of(original, tensor)));
            }
        }

        output.WriteLine($"  {theirs.Tensors.Count} tensors, {ours.Tensors.Count} ours");
        foreach ((GgmlType type, List<(string Name, TensorError Ours, TensorError Theirs)> tensors) in byType.OrderBy(type => type.Key))
        {
            double sumOurs = tensors.Aggregate(default(TensorError), (sum, tensor) => sum + tensor.Ours).Root;
            double sumTheirs = tensors.Aggregate(default(TensorError), (sum, tensor) => sum + tensor.Theirs).Root;
            (string name, double worst) = tensors.Select(tensor => (tensor.Name, tensor.Ours.Root / tensor.Theirs.Root)).MaxBy(tensor => tensor.Item2);
            IsGood &= worst <= Limits.Error;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {type,-5} {tensors.Count,3} tensors, RMSE {sumOurs:E4}, of llama.cpp {sumTheirs:E4}, ratio {sumOurs / sumTheirs:F4}, at most {worst:F4} ({name})"));
        }
    }

    private void ComparePerplexity(string model, string mix, string ours, string theirs)
    {
        foreach (int context in Contexts)
        {
            double own = PerplexityOf(ours, context);
            double other = PerplexityOf(theirs, context);
            IsGood &= own <= Limits.Perplexity * other;
            string recorded = Recorded.Of(model, mix, context) is { } value ? string.Create(CultureInfo.InvariantCulture, $"; recorded of ik_llama.cpp's file {value:F4}") : "";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  perplexity at {context}: {own:F4}, of llama.cpp's file {other:F4}, ratio {own / other:F4}{recorded}"));
        }
    }

    private double PerplexityOf(string path, int context)
    {
        using LanguageModel model = LanguageModel.Load(path);
        PerplexityOptions options = new PerplexityOptions { ContextLength = context }.ForTokenizer(model.Tokenizer);
        return Perplexity.Evaluate(model.Model, Perplexity.Encode(model.Tokenizer, Text!), options).Value;
    }
}
