using CpuMoe.Blocks;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Blocks;

/// <summary>An activation row whose every array ends at a guard page, and the numbers it stands for.</summary>
internal sealed unsafe class QuantizedActivations : IDisposable
{
    private readonly GuardedBuffer _values;
    private readonly GuardedBuffer _codes;
    private readonly GuardedBuffer _scales;
    private readonly GuardedBuffer _sums;
    private readonly GuardedBuffer _apart;
    private readonly ActivationFormat _format;

    private QuantizedActivations(ActivationFormat format, int n)
    {
        _format = format;
        bool coded = format != ActivationFormat.F32;
        _values = new GuardedBuffer(coded ? 0 : n * sizeof(float));
        _codes = new GuardedBuffer(coded ? n : 0);
        _scales = new GuardedBuffer(coded ? n / ValuesPerScale(format) * sizeof(float) : 0);
        _sums = new GuardedBuffer(coded ? n / 16 * sizeof(short) : 0);
        _apart = new GuardedBuffer(coded ? ActivationRow.RoomApart(n) : 0);
    }

    /// <summary>Implementation of the quantiser for blocks of a given length.</summary>
    public delegate void Quantizer(float* values, int n, int length, ActivationRow destination);

    public ActivationRow Row => new(
        (float*)_values.Start, (sbyte*)_codes.Start, (float*)_scales.Start, (short*)_sums.Start, (sbyte*)_apart.Start);

    public ReadOnlySpan<sbyte> Codes => new(_codes.Start, _codes.Length);

    /// <summary>The codes in their second order; where their number is no multiple of 128, with gaps.</summary>
    public ReadOnlySpan<sbyte> Apart => new(_apart.Start, _apart.Length);

    public ReadOnlySpan<float> Scales => new(_scales.Start, _scales.Length / sizeof(float));

    public ReadOnlySpan<short> Sums => new(_sums.Start, _sums.Length / sizeof(short));

    public static int ValuesPerScale(ActivationFormat format) => format == ActivationFormat.Q8Per256 ? 256 : 32;

    /// <summary>Quantised by the public entry.</summary>
    public static QuantizedActivations Of(ActivationFormat format, ReadOnlySpan<float> values)
    {
        QuantizedActivations activations = new(format, values.Length);
        using GuardedBuffer source = GuardedBuffer.Of(values);
        ActivationQuantizer.Quantize(format, (float*)source.Start, values.Length, activations.Row);
        return activations;
    }

    /// <summary>Quantised by one implementation.</summary>
    public static QuantizedActivations Of(ActivationFormat format, ReadOnlySpan<float> values, Quantizer quantizer)
    {
        QuantizedActivations activations = new(format, values.Length);
        using GuardedBuffer source = GuardedBuffer.Of(values);
        quantizer((float*)source.Start, values.Length, ValuesPerScale(format), activations.Row);
        return activations;
    }

    /// <summary>What value <paramref name="index"/> became.</summary>
    public double this[int index] => _format == ActivationFormat.F32
        ? Row.Values[index]
        : (double)Row.Scales[index / ValuesPerScale(_format)] * Row.Codes[index];

    public void Dispose()
    {
        _values.Dispose();
        _codes.Dispose();
        _scales.Dispose();
        _sums.Dispose();
        _apart.Dispose();
    }
}
