using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;
using CpuMoe.Cli;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Commands;
using CpuMoe.Quantization;

namespace CpuMoe.Synth;

/// <summary>The <c>cpumoe-synth</c> command.</summary>
internal sealed class SynthCommand : Command
{
    private const double MaxSkew = 10;

    private static readonly string[] Examples =
    [
        "cpumoe-synth --shape tiny --mix q8_0 tiny.gguf",
        "cpumoe-synth --shape glm-4.5-air --layers 4 --mix q4_k_m air4.gguf",
        "cpumoe-synth --shape glm-4.5-air --mix q4_k_m --dry-run air.gguf",
        "cpumoe-synth --shape glm-4.5 --layers 6 --mix q4_k_m --skew 1 --split 8G glm.gguf",
        "cpumoe-synth --shape tiny --ctx 32768 --turn 100 talker.gguf",
    ];

    private static readonly string[] MixNames = [.. QuantMix.All.Select(mix => mix.Name.ToLowerInvariant())];

    private readonly Argument<string> _output = new("OUT") { Description = "The file to write; of a split model the name without the numbers" };

    private readonly Option<string> _shape = new Option<string>("--shape") { Description = "The model: " + Words(ModelShape.All, shape => shape.Name), HelpName = "NAME", Required = true }
        .AcceptOnlyFrom([.. ModelShape.All.Select(shape => shape.Name)]);

    private readonly Option<string> _mix = new Option<string>("--mix") { Description = "The number formats: " + string.Join(", ", MixNames), HelpName = "NAME", DefaultValueFactory = _ => MixNames[0] }
        .AcceptOnlyFrom(MixNames);

    private readonly Option<int?> _layers = NumberOption.Create<int>("--layers", "N", "Blocks to keep of the trunk (default: all)", n => n >= 1, "1 or more");

    private readonly Option<bool?> _nextN = new("--nextn") { Description = "Whether to write the NextN block (default: true for a model with all blocks)", HelpName = "BOOL" };

    private readonly Option<double?> _skew = NumberOption.Create<double>("--skew", "S", "Expert popularity by Zipf's law with this exponent (default: 0, all equal)", s => s is >= 0 and <= MaxSkew, "a number from 0 to 10");

    private readonly Option<long?> _split = new("--split") { Description = "Split into files of at most SIZE bytes, as 500M or 8G (powers of 1000)", HelpName = "SIZE", CustomParser = ParseSize };

    private readonly Option<ulong?> _seed = NumberOption.Create<ulong>("--seed", "N", "The seed of the weights (default: 0)", _ => true, "a whole number of 0 or more");

    private readonly Option<int?> _context = NumberOption.Create<int>("--ctx", "N", "The context length that the model claims (default: that of the shape)", n => n >= 1, "1 or more");

    private readonly Option<int?> _turn = NumberOption.Create<int>("--turn", "N", "Bias the logits to letters and to the end of the turn, which comes after about N tokens at temperature 1", n => n >= 1, "1 or more");

    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Show the tensors by type and write nothing" };

    public SynthCommand()
        : base("cpumoe-synth", "Writes a GGUF model of a real shape with random weights: for measurements of speed and memory without a download. The text it generates has no meaning; with --turn it is at least text, in turns that end.")
    {
        Arguments.Add(_output);
        foreach (Option option in (Option[])[_shape, _mix, _layers, _nextN, _skew, _split, _seed, _context, _turn, _dryRun, new HelpOption { Action = new HelpWithExamples() }])
        {
            Options.Add(option);
        }

        SetAction(Execute);
    }

    /// <summary>Ends the work when cancelled.</summary>
    public CancellationToken Cancellation { get; init; }

    private static string Words<T>(IReadOnlyList<T> items, Func<T, string> nameOf) => string.Join(", ", items.Select(nameOf));

    private static long? ParseSize(ArgumentResult result)
    {
        string text = result.Tokens[^1].Value;
        long unit = text.Length == 0 ? 1 : char.ToUpperInvariant(text[^1]) switch
        {
            'K' => 1_000,
            'M' => 1_000_000,
            'G' => 1_000_000_000,
            _ => 1,
        };
        if (long.TryParse(unit == 1 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number > 0 && number <= long.MaxValue / unit)
        {
            return number * unit;
        }

        result.AddError($"--split must be a size such as 500M or 8G, not '{text}'");
        return null;
    }

    private int Execute(ParseResult arguments)
    {
        ModelPlan plan = Plan(arguments);
        InvocationConfiguration streams = arguments.InvocationConfiguration;
        if (arguments.GetValue(_dryRun))
        {
            PrintSummary(plan, streams.Output);
            return ExitCodes.Success;
        }

        WriteProgress progress = new(streams.Error, plan.ByteCount, Cancellation);
        ModelWriter writer = new(plan, arguments.GetValue(_seed) ?? 0, arguments.GetValue(_skew) ?? 0) { Written = progress.Add };
        string path = writer.Write(arguments.GetRequiredValue(_output), arguments.GetValue(_split));
        progress.End(path);
        return ExitCodes.Success;
    }

    private ModelPlan Plan(ParseResult arguments)
    {
        ModelShape shape = ModelShape.All.Single(shape => shape.Name == arguments.GetRequiredValue(_shape));
        shape = shape with { ContextLength = arguments.GetValue(_context) ?? shape.ContextLength };
        QuantMix mix = QuantMix.All[MixNames.IndexOf(arguments.GetRequiredValue(_mix))];
        int? layers = arguments.GetValue(_layers);
        bool? nextN = arguments.GetValue(_nextN);
        if (layers > shape.Blocks)
        {
            throw new CliException($"--layers must be at most {shape.Blocks} for {shape.Name}, not {layers}", ExitCodes.Usage);
        }

        return nextN == true && shape.Architecture != ModelArchitecture.Glm4Moe
            ? throw new CliException($"--nextn: {shape.Name} has no NextN block", ExitCodes.Usage)
            : new ModelPlan(shape, mix, layers, nextN, arguments.GetValue(_turn) is { } length ? new TurnBias(shape.Vocabulary, length) : null);
    }

    private static void PrintSummary(ModelPlan plan, TextWriter output)
    {
        output.WriteLine("type  tensors            bytes");
        foreach (var type in plan.Tensors.GroupBy(tensor => tensor.Type).OrderByDescending(type => type.Sum(tensor => tensor.ByteCount)))
        {
            WriteRow(type.Key.ToString(), type);
        }

        WriteRow("total", plan.Tensors);
        output.WriteLine();
        output.WriteLine($"{plan.TrunkBlocks} blocks ({plan.LeadingDense} dense), {plan.NextNBlocks} NextN, {Bytes.DisplayCount(plan.Tensors.Sum(tensor => tensor.ElementCount))} weights");

        void WriteRow(string name, IEnumerable<PlannedTensor> tensors)
        {
            long bytes = tensors.Sum(tensor => tensor.ByteCount);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-5} {tensors.Count(),7} {bytes,16}  {Bytes.Display(bytes)}"));
        }
    }

    /// <summary>The generated help, then examples.</summary>
    private sealed class HelpWithExamples : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = new HelpAction().Invoke(parseResult);
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            Array.ForEach(Examples, example => output.WriteLine($"  {example}"));
            output.WriteLine();
            return code;
        }
    }
}
