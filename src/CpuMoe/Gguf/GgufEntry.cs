using System.Globalization;

namespace CpuMoe.Gguf;

/// <summary>One key with its value. The type in the file follows from the .NET type of the value.</summary>
public sealed class GgufEntry
{
    /// <summary>Creates an entry.</summary>
    /// <param name="key">The key, for example <c>general.name</c>.</param>
    /// <param name="value">
    /// A <see cref="bool"/>, <see cref="string"/>, <see cref="float"/>, <see cref="double"/>, an integer of 8 to 64 bits,
    /// or a one-dimensional array of one of these. The array is not copied.
    /// </param>
    /// <exception cref="ArgumentException">The value is of another type.</exception>
    public GgufEntry(string key, object value)
        : this(key, value, -1)
    {
    }

    internal GgufEntry(string key, object value, long offset)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        Key = key;
        Value = value;
        Offset = offset;
        Type type = value.GetType();
        GgufValueType? scalar = ScalarType(type.IsSZArray ? type.GetElementType()! : type);
        if (scalar is null)
        {
            throw new ArgumentException($"Key {key}: a value of type {type} has no form in GGUF.", nameof(value));
        }

        Type = type.IsSZArray ? GgufValueType.Array : scalar.Value;
        ElementType = type.IsSZArray ? scalar : null;
    }

    /// <summary>The key.</summary>
    public string Key { get; }

    /// <summary>The type of the value.</summary>
    public GgufValueType Type { get; }

    /// <summary>The type of the elements of an array, null for any other value.</summary>
    public GgufValueType? ElementType { get; }

    /// <summary>The boxed scalar, the string, or the typed array (shared, not to be changed).</summary>
    public object Value { get; }

    /// <summary>The byte offset of the record in its file, or -1 where it does not come from a file.</summary>
    public long Offset { get; }

    /// <summary>The type in ggml's short form: <c>u32</c>, <c>str</c>, <c>str[151552]</c>.</summary>
    public string TypeName => Value is Array array ? $"{Short(ElementType!.Value)}[{array.Length}]" : Short(Type);

    /// <summary>The value as one line of text: control characters escaped, long texts and arrays cut.</summary>
    /// <param name="maxElements">The elements of an array that are shown.</param>
    /// <param name="maxCharacters">The characters of a text that are shown.</param>
    public string ToDisplayText(int maxElements = 8, int maxCharacters = 80)
    {
        if (Value is not Array array)
        {
            return Show(Value, maxCharacters);
        }

        IEnumerable<string> shown = array.Cast<object>().Take(maxElements).Select(element => Show(element, maxCharacters));
        return $"[{string.Join(", ", shown)}{(array.Length > maxElements ? ", ..." : "")}]";
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Key} ({TypeName}) = {ToDisplayText()}";

    internal static string Short(GgufValueType type) => type switch
    {
        GgufValueType.Text => "str",
        GgufValueType.Array => "arr",
        _ => type.ToString().ToLowerInvariant(),
    };

    private static string Show(object scalar, int maxCharacters) => scalar switch
    {
        string text => GgufRules.Printable(text, maxCharacters),
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(scalar, CultureInfo.InvariantCulture)!,
    };

    private static GgufValueType? ScalarType(Type type) => type.IsEnum ? null : System.Type.GetTypeCode(type) switch
    {
        TypeCode.Byte => GgufValueType.U8,
        TypeCode.SByte => GgufValueType.I8,
        TypeCode.UInt16 => GgufValueType.U16,
        TypeCode.Int16 => GgufValueType.I16,
        TypeCode.UInt32 => GgufValueType.U32,
        TypeCode.Int32 => GgufValueType.I32,
        TypeCode.Single => GgufValueType.F32,
        TypeCode.Boolean => GgufValueType.Bool,
        TypeCode.String => GgufValueType.Text,
        TypeCode.UInt64 => GgufValueType.U64,
        TypeCode.Int64 => GgufValueType.I64,
        TypeCode.Double => GgufValueType.F64,
        _ => null,
    };
}
