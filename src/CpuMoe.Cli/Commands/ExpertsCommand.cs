using System.CommandLine;
using System.Globalization;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Experts;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe experts</c>: what a trace of expert use says about caches.</summary>
internal sealed class ExpertsCommand : CliCommand
{
    private static readonly int[] DefaultPercents = [5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100];

    private readonly Argument<string> _trace = new("TRACE") { Description = "A file that --expert-trace recorded" };

    private readonly Option<CacheSize[]> _sizes = CacheSizesOption.Create();

    private readonly Option<string?> _svg = new("--svg") { HelpName = "FILE", Description = "Draw how often each expert of each layer is used" };

    private readonly Option<bool> _json = JsonOption();

    public ExpertsCommand(CliConsole console)
        : base(
            "experts",
            """
            Analyses which experts a model used: how many of them caches of several sizes find, with the policy of the
            engine, with LRU, and at best (Belady: evict what is needed last, which needs the future); how popular the
            experts of each layer are, and how many of them the next token uses again. Caches begin empty; hit rates are
            those of decode, where the trace has any.
            """,
            console,
            "cpumoe experts run.trace",
            "cpumoe experts run.trace --sizes 25% 50% 12GiB",
            "cpumoe experts run.trace --svg experts.svg --json")
    {
        Arguments.Add(_trace);
        foreach (Option option in (Option[])[_sizes, _svg, _json])
        {
            Options.Add(option);
        }
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        using IDisposable interruption = Terminal.Interrupts.Cancelling(out CancellationToken cancellation);
        ExpertTrace trace = ExpertTrace.Read(ModelFileArgument.CheckExists(arguments.GetRequiredValue(_trace)));
        CacheSize[] sizes = arguments.GetValue(_sizes) is { Length: > 0 } chosen ? chosen
            : Array.ConvertAll(DefaultPercents, percent => new CacheSize(percent / 100.0, null, null));
        ExpertsOutput output = ExpertsOutput.From(trace, ExpertTraceAnalysis.Of(trace, sizes.Select(size => size.SlotsFor(trace)), cancellation));
        if (arguments.GetValue(_svg) is { } file)
        {
            File.WriteAllText(file, ExpertHeatMap.Draw(output));
        }

        if (arguments.GetValue(_json))
        {
            WriteJson(output, JsonOutput.Readable.ExpertsOutput);
        }
        else
        {
            Print(output);
        }

        return ExitCodes.Success;
    }

    private void Print(ExpertsOutput output)
    {
        TextTable facts = new("Trace", "");
        facts.Add("experts", string.Create(CultureInfo.InvariantCulture, $"{output.ExpertsUsed} of {output.Experts} per token, in {output.Layers.Length} layers"));
        facts.Add("decode", string.Create(CultureInfo.InvariantCulture, $"{output.DecodeTokens} tokens in {output.DecodePasses} passes"));
        facts.Add("prefill", string.Create(CultureInfo.InvariantCulture, $"{output.PrefillTokens} tokens in {output.PrefillPasses} passes"));
        facts.Add("experts asked for", string.Create(CultureInfo.InvariantCulture, $"{output.Accesses}, {output.CompulsoryMisses} different ones of {output.TotalExperts}"));
        facts.Add("used again by the next token", Percent(output.ConsecutiveOverlap));

        bool hasDecode = output.DecodeTokens > 0;
        string what = hasDecode ? "decode hits" : "hits";
        TextTable caches = new(">Experts", ">Share", ">Memory", $">LRU {what}", ">this engine", ">Belady", ">LRU read/token", ">this engine", ">Belady");
        foreach (ExpertCacheOutput cache in output.Caches)
        {
            ExpertHitsOutput[] policies = [cache.Lru, cache.Shipped, cache.Belady];
            caches.Add([
                cache.Slots.ToString(CultureInfo.InvariantCulture),
                Percent((double)cache.Slots / output.TotalExperts),
                Bytes.Display(cache.Bytes),
                .. policies.Select(policy => Percent(hasDecode ? policy.DecodeHitRate : policy.HitRate)),
                .. policies.Select(policy => policy.DecodeBytesPerToken is { } bytes ? Bytes.Display((long)bytes) : "-")]);
        }

        TextTable layers = new(">Block", ">Experts used", $">Share of the top {output.ExpertsUsed}", ">Used again");
        foreach (ExpertLayerOutput layer in output.Layers)
        {
            layers.Add(layer.Block.ToString(CultureInfo.InvariantCulture), layer.Passes.Count(passes => passes > 0).ToString(CultureInfo.InvariantCulture), Percent(layer.TopShare), Percent(layer.ConsecutiveOverlap));
        }

        foreach (TextTable table in (TextTable[])[facts, caches, layers])
        {
            table.Write(Terminal);
            Terminal.Out.WriteLine();
        }
    }

    private static string Percent(double? ratio) => ratio is { } value ? (value * 100).ToString("F1", CultureInfo.InvariantCulture) + " %" : "-";
}
