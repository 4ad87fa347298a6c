using CpuMoe.Gguf;
using CpuMoe.Models;

namespace CpuMoe.Fitting;

/// <summary>The time of passes with all weights in memory: matrix products by format, steps of the pass, attention.</summary>
internal sealed class PassCost
{
    // Of the trunk in decode: projections to queries, keys and values; attention; its output; router; gate and up; down.
    private const int RegionsPerBlock = 6;

    private readonly ModelOutline _model;
    private readonly MachineProfile _machine;
    private readonly Dictionary<GgmlType, double> _always;
    private readonly Dictionary<GgmlType, double> _routed;
    private readonly (GgmlType Type, double Values) _head;

    public PassCost(ModelOutline model, MachineProfile machine)
    {
        _model = model;
        _machine = machine;
        string head = model.IsTied ? WeightSizes.Embedding : WeightSizes.Output;
        _always = ValuesByType(WeightUse.Always);
        _routed = ValuesByType(WeightUse.Routed);
        _head = model.Tensors.Where(tensor => tensor.Name == head).Select(tensor => (tensor.Type, (double)tensor.ElementCount)).First();
    }

    /// <summary>The share of the routed experts that a token uses.</summary>
    private double UsedShare => (double)_model.Config.Router.ExpertsUsed / _model.Config.ExpertCount;

    /// <summary>Seconds of one token for all but the routed experts.</summary>
    /// <param name="context">Tokens in the KV cache.</param>
    /// <param name="kvType">Its format.</param>
    public double DecodeAlways(int context, KvType kvType)
    {
        double kvBytes = (double)context * KvCache.BytesPerToken(
            _model.Config.TrunkBlocks, _model.Config.Attention.KeyValueHeads, _model.Config.Attention.KeyLength, _model.Config.Attention.ValueLength, kvType);
        double attention = Math.Max(kvBytes / _machine.ReadBytesPerSecond, AttentionProducts(context) / _machine.Attention.DecodePerSecond);
        int regions = (RegionsPerBlock * _model.Config.TrunkBlocks) + 1;
        return _always.Sum(part => DecodeSeconds(part.Key, part.Value)) + attention + (regions * _machine.RegionSeconds);
    }

    /// <summary>Seconds of one token for the routed experts.</summary>
    public double DecodeRouted() => _routed.Sum(part => DecodeSeconds(part.Key, part.Value * UsedShare));

    /// <summary>Seconds of a prompt.</summary>
    /// <param name="tokens">Its tokens, at most those of a batch; all experts are taken to be used by equally many.</param>
    public double Prefill(int tokens)
    {
        // The head is asked for the last token only.
        double dense = _always.Sum(part => PrefillSeconds(part.Key, part.Value, tokens)) - PrefillSeconds(_head.Type, _head.Values, tokens);
        double routed = _routed.Sum(part => PrefillSeconds(part.Key, part.Value, tokens * UsedShare));
        double attention = tokens * AttentionProducts((tokens + 1) / 2.0) / _machine.Attention.PrefillPerSecond;
        return dense + routed + attention + DecodeSeconds(_head.Type, _head.Values);
    }

    /// <summary>Multiply-adds of one token's attention in all blocks.</summary>
    private double AttentionProducts(double context) =>
        context * _model.Config.TrunkBlocks * _model.Config.Attention.Heads * (_model.Config.Attention.KeyLength + _model.Config.Attention.ValueLength);

    private double DecodeSeconds(GgmlType type, double values)
    {
        double bytes = BytesOf(type, values);
        return Math.Max(bytes / _machine.ReadBytesPerSecond, bytes / _machine.KernelOf(type).DecodeBytesPerSecond);
    }

    /// <summary>Unpacking costs the same for any number of activations, products as many times: a line through the two that were measured.</summary>
    private double PrefillSeconds(GgmlType type, double values, double columns)
    {
        const double Few = 32, Many = 512;
        KernelProfile kernel = _machine.KernelOf(type);
        double few = Few / kernel.Prefill32PerSecond, many = Many / kernel.Prefill512PerSecond;
        double perColumn = Math.Max(0, (many - few) / (Many - Few));
        double unpacking = Math.Max(0, few - (Few * perColumn));
        return Math.Max(BytesOf(type, values) / _machine.ReadBytesPerSecond, values * (unpacking + (columns * perColumn)));
    }

    private static double BytesOf(GgmlType type, double values) => values * type.BytesPerBlock() / type.ValuesPerBlock();

    private Dictionary<GgmlType, double> ValuesByType(WeightUse use) => _model.Tensors
        .Where(tensor => tensor.Dimensions.Length >= 2 && WeightSizes.UseOf(tensor.Name, _model.Config.TrunkBlocks, _model.IsTied) == use)
        .GroupBy(tensor => tensor.Type)
        .ToDictionary(type => type.Key, type => type.Sum(tensor => (double)tensor.ElementCount));
}
