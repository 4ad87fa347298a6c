using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace CpuMoe.Gguf;

/// <summary>The key/value part of a GGUF file, with typed getters.</summary>
/// <remarks>
/// Integer getters accept any integer type whose value fits, as real writers differ. A missing key or a value of
/// another kind is a <see cref="GgufFormatException"/> naming the key and the place of its record. Arrays are handed
/// out without a copy where their type allows it: do not change them.
/// </remarks>
public sealed class GgufMetadata
{
    private readonly Dictionary<string, GgufEntry> _byKey;
    private readonly GgufEntry[] _entries;
    private readonly string? _file;

    /// <summary>Creates metadata that does not come from a file.</summary>
    /// <exception cref="ArgumentException">A key occurs twice.</exception>
    public GgufMetadata(IEnumerable<GgufEntry> entries)
        : this(entries.ToArray(), file: null)
    {
    }

    internal GgufMetadata(GgufEntry[] entries, string? file)
    {
        _entries = entries;
        _byKey = entries.ToDictionary(entry => entry.Key, StringComparer.Ordinal);
        _file = file;
    }

    /// <summary>All entries in file order.</summary>
    public IReadOnlyList<GgufEntry> Entries => _entries;

    /// <summary>Whether the key is present.</summary>
    public bool Contains(string key) => _byKey.ContainsKey(key);

    /// <summary>The byte offset of the record of <paramref name="key"/>, or -1.</summary>
    public long OffsetOf(string key) => Find(key)?.Offset ?? -1;

    /// <summary>A required string.</summary>
    public string GetString(string key) => ToText(Require(key));

    /// <summary>An optional string.</summary>
    public bool TryGetString(string key, [NotNullWhen(true)] out string? value)
    {
        value = Find(key) is { } entry ? ToText(entry) : null;
        return value is not null;
    }

    /// <summary>A required integer.</summary>
    public int GetInt32(string key) => ToInt32(Require(key));

    /// <summary>An optional integer.</summary>
    public int GetInt32(string key, int fallback) => Find(key) is { } entry ? ToInt32(entry) : fallback;

    /// <summary>A required float.</summary>
    public float GetSingle(string key) => ToSingle(Require(key));

    /// <summary>An optional float.</summary>
    public float GetSingle(string key, float fallback) => Find(key) is { } entry ? ToSingle(entry) : fallback;

    /// <summary>An optional boolean.</summary>
    public bool GetBoolean(string key, bool fallback) =>
        Find(key) is not { } entry ? fallback : entry.Value is bool value ? value : throw WrongType(entry, "a boolean");

    /// <summary>An array of strings, or null when absent.</summary>
    public string[]? GetStrings(string key) =>
        Find(key) is not { } entry ? null : entry.Value as string[] ?? throw WrongType(entry, "an array of strings");

    /// <summary>An array of integers of any width that fits, or null when absent.</summary>
    public int[]? GetInt32s(string key) => Find(key) is not { } entry ? null : entry.ElementType switch
    {
        GgufValueType.I32 => (int[])entry.Value,
        GgufValueType.U8 => Narrow(entry, (byte[])entry.Value),
        GgufValueType.I8 => Narrow(entry, (sbyte[])entry.Value),
        GgufValueType.U16 => Narrow(entry, (ushort[])entry.Value),
        GgufValueType.I16 => Narrow(entry, (short[])entry.Value),
        GgufValueType.U32 => Narrow(entry, (uint[])entry.Value),
        GgufValueType.U64 => Narrow(entry, (ulong[])entry.Value),
        GgufValueType.I64 => Narrow(entry, (long[])entry.Value),
        _ => throw WrongType(entry, "an array of integers"),
    };

    /// <summary>An array of floats, or null when absent.</summary>
    public float[]? GetSingles(string key) => Find(key) is not { } entry ? null : entry.Value switch
    {
        float[] values => values,
        double[] values => Array.ConvertAll(values, value => Narrow(entry, value)),
        _ => throw WrongType(entry, "an array of floats"),
    };

    /// <summary>The entry of a key, or null.</summary>
    internal GgufEntry? Find(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>The fault that <paramref name="key"/> has the given problem, with the file and the place of its record.</summary>
    internal GgufFormatException Fault(string key, string problem) => new(problem, _file, OffsetOf(key), key);

    private GgufEntry Require(string key) =>
        Find(key) ?? throw Fault(key, "the required key is missing; the conversion of the model was incomplete, use another file");

    private string ToText(GgufEntry entry) => entry.Value as string ?? throw WrongType(entry, "a string");

    private int ToInt32(GgufEntry entry) => entry.Value switch
    {
        int value => value,
        byte value => value,
        sbyte value => value,
        ushort value => value,
        short value => value,
        uint value => Narrow(entry, value),
        ulong value => Narrow(entry, value),
        long value => Narrow(entry, value),
        _ => throw WrongType(entry, "an integer"),
    };

    private float ToSingle(GgufEntry entry) => entry.Value switch
    {
        float value => value,
        double value => Narrow(entry, value),
        _ => throw WrongType(entry, "a float"),
    };

    private int[] Narrow<T>(GgufEntry entry, T[] values)
        where T : IBinaryInteger<T> => Array.ConvertAll(values, value => Narrow(entry, value));

    private int Narrow<T>(GgufEntry entry, T value)
        where T : IBinaryInteger<T>
    {
        int narrow = int.CreateSaturating(value);
        return T.CreateSaturating(narrow) == value
            ? narrow
            : throw Fault(entry.Key, $"the value {value} does not fit into 32 bits; the file is damaged or not supported");
    }

    private float Narrow(GgufEntry entry, double value)
    {
        float narrow = (float)value;
        return float.IsFinite(narrow) || !double.IsFinite(value)
            ? narrow
            : throw Fault(entry.Key, $"the value {value} does not fit into a 32-bit float; the file is damaged or not supported");
    }

    private GgufFormatException WrongType(GgufEntry entry, string expected) =>
        Fault(entry.Key, $"the value is of type {entry.TypeName} where {expected} is needed; the file is damaged or not supported");
}
