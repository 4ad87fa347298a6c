using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Gguf;
using CpuMoe.Models;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe inspect</c>: what is in a GGUF file.</summary>
internal sealed class InspectCommand : CliCommand
{
    private const int ArrayElementsShown = 8;

    private readonly Argument<string> _model = new("MODEL") { Description = ModelFileArgument.Form };

    private readonly Option<bool> _tensors = new("--tensors") { Description = "List every tensor" };

    private readonly Option<bool> _json = JsonOption();

    public InspectCommand(CliConsole console)
        : base(
            "inspect",
            """
            Shows the metadata, the tensor types and the sizes of a GGUF file of any architecture; for architectures that
            the engine runs also the parameters and bytes used per token. Long arrays are shortened, in JSON to
            {"array": type, "length": n, "first": [...]}.
            """,
            console,
            "cpumoe inspect model.gguf",
            "cpumoe inspect GLM-4.5-Air-Q4_K_M-00001-of-00002.gguf --tensors",
            "cpumoe inspect model.gguf --json | jq .model")
    {
        Arguments.Add(_model);
        Options.Add(_tensors);
        Options.Add(_json);
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        using GgufFile file = GgufFile.Open(ModelFileArgument.Locate(arguments.GetRequiredValue(_model)));
        InspectOutput output = Describe(file, arguments.GetValue(_tensors));
        if (arguments.GetValue(_json))
        {
            WriteJson(output, JsonOutput.Readable.InspectOutput);
        }
        else
        {
            Print(file, output);
        }

        return ExitCodes.Success;
    }

    private static InspectOutput Describe(GgufFile file, bool withTensors)
    {
        JsonObject metadata = [];
        foreach (GgufEntry entry in file.Metadata.Entries)
        {
            metadata[entry.Key] = ToJson(entry);
        }

        file.Metadata.TryGetString("general.architecture", out string? architecture);
        List<string> warnings = [.. file.Warnings];
        ModelOutput? model = DescribeModel(file, warnings);
        return new InspectOutput(
            file.Path,
            file.Version,
            architecture,
            file.FileBytes,
            model,
            file.Tensors.Sum(tensor => tensor.ElementCount),
            [.. file.Tensors.GroupBy(tensor => tensor.Type)
                .Select(group => new TypeOutput(group.Key.ToString(), group.Count(), group.Sum(tensor => tensor.ByteCount)))
                .OrderByDescending(type => type.Bytes)],
            metadata,
            withTensors ? [.. file.Tensors.Select(Describe)] : null,
            [.. warnings]);
    }

    // A model that cannot be run is all the more worth looking at.
    private static ModelOutput? DescribeModel(GgufFile file, List<string> warnings)
    {
        try
        {
            return ModelSummary.FromGguf(file) is { } summary ? Describe(summary) : null;
        }
        catch (GgufFormatException fault)
        {
            warnings.Add(fault.Message);
            return null;
        }
    }

    private static ModelOutput Describe(ModelSummary summary) => new(
        summary.ContextLength,
        summary.TrunkBlocks,
        summary.NextNBlocks,
        summary.ExpertCount,
        summary.ExpertsUsed,
        summary.TotalParameters,
        summary.ActiveParameters,
        summary.ActiveBytesPerToken,
        new KvBytesOutput(summary.KvBytesPerToken(KvType.F16), summary.KvBytesPerToken(KvType.Q8_0)));

    private static TensorOutput Describe(GgufTensor tensor) => new(
        tensor.Name, tensor.Type.ToString(), [.. tensor.Dimensions.Take(Math.Max(tensor.Rank, 1))], tensor.ByteCount, tensor.Shard);

    private static JsonNode ToJson(GgufEntry entry)
    {
        if (entry.Value is not Array array)
        {
            return ToJson(entry.Value);
        }

        JsonArray first = [.. array.Cast<object>().Take(ArrayElementsShown).Select(ToJson)];
        return array.Length <= ArrayElementsShown ? first : new JsonObject
        {
            ["array"] = entry.TypeName[..entry.TypeName.IndexOf('[')],
            ["length"] = array.Length,
            ["first"] = first,
        };
    }

    // JSON has no infinities; they become their names.
    private static JsonNode ToJson(object scalar) => scalar switch
    {
        string text => JsonValue.Create(text),
        bool flag => JsonValue.Create(flag),
        float number when float.IsFinite(number) => JsonValue.Create(number),
        double number when double.IsFinite(number) => JsonValue.Create(number),
        float or double => JsonValue.Create(Convert.ToString(scalar, CultureInfo.InvariantCulture)!),
        ulong number => JsonValue.Create(number),
        _ => JsonValue.Create(Convert.ToInt64(scalar, CultureInfo.InvariantCulture)),
    };

    private void Print(GgufFile file, InspectOutput output)
    {
        TextTable facts = new("File", output.File);
        facts.Add("container", $"GGUF version {output.Version}");
        facts.Add("architecture", output.Architecture ?? "(not named)");
        facts.Add("size", Size(output.FileBytes));
        facts.Add("weights", $"{Bytes.DisplayCount(output.Weights)} ({output.Weights})");
        if (output.Model is { } model)
        {
            facts.Add("context length", $"{model.ContextLength} tokens");
            facts.Add("blocks", $"{model.Blocks}, and {model.NextNBlocks} for multi-token prediction (NextN)");
            facts.Add("experts", $"{model.ExpertsUsed} of {model.Experts} per token and block");
            facts.Add("active weights per token", $"{Bytes.DisplayCount(model.ActiveParameters)} ({model.ActiveParameters})");
            facts.Add("weight bytes read per token", Size(model.ActiveBytesPerToken));
            facts.Add("KV cache per token, f16", Size(model.KvBytesPerToken.F16));
            facts.Add("KV cache per token, q8_0", Size(model.KvBytesPerToken.Q80));
        }

        foreach (string warning in output.Warnings)
        {
            facts.Add("warning", warning);
        }

        TextTable types = new("Type", ">Tensors", ">Bytes", ">Size");
        foreach (TypeOutput type in output.Types)
        {
            types.Add(type.Type, Number(type.Count), Number(type.Bytes), Bytes.Display(type.Bytes));
        }

        TextTable metadata = new("Key", "Type", "Value");
        foreach (GgufEntry entry in file.Metadata.Entries)
        {
            metadata.Add(entry.Key, entry.TypeName, entry.ToDisplayText(ArrayElementsShown));
        }

        List<TextTable> tables = [facts, types, metadata];
        if (output.Tensors is not null)
        {
            TextTable tensors = new("Tensor", "Type", "Dimensions", ">Bytes");
            foreach (TensorOutput tensor in output.Tensors)
            {
                tensors.Add(tensor.Name, tensor.Type, string.Join(" x ", tensor.Dimensions), Number(tensor.Bytes));
            }

            tables.Add(tensors);
        }

        foreach (TextTable table in tables)
        {
            table.Write(Terminal);
            Terminal.Out.WriteLine();
        }
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Size(long bytes) => $"{Bytes.Display(bytes)} ({bytes} bytes)";
}
