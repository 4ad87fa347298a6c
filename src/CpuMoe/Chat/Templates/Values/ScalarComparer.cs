using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>Equality of strings, numbers, booleans and none as Python has it: true is 1, 1 is 1.0.</summary>
internal sealed class ScalarComparer : IEqualityComparer<Value>
{
    public static readonly ScalarComparer Instance = new();

    /// <summary>Whether a value is one that this compares.</summary>
    public static bool IsScalar(Value value) => value is TextValue or IntegerValue or BooleanValue or FloatValue or NoneValue;

    /// <inheritdoc/>
    public bool Equals(Value? x, Value? y) => (x, y) switch
    {
        (TextValue a, TextValue b) => a.Text == b.Text,
        (NoneValue, NoneValue) => true,
        (TextValue or NoneValue, _) or (_, TextValue or NoneValue) => false,
        _ when Numbers.TryInteger(x!, out BigInteger a) && Numbers.TryInteger(y!, out BigInteger b) => a == b,
        _ => Numbers.TryFloat(x!, out double a) && Numbers.TryFloat(y!, out double b) && a == b,
    };

    /// <inheritdoc/>
    public int GetHashCode(Value obj) => obj switch
    {
        TextValue text => text.Text.GetHashCode(StringComparison.Ordinal),
        _ when Numbers.TryFloat(obj, out double number) => number.GetHashCode(),
        _ => 0,
    };
}
