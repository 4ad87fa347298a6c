using System.Globalization;
using System.Text.Json;
using CpuMoe.Server.Errors;

namespace CpuMoe.Server.Requests;

/// <summary>A value in the JSON of a request and its place: reads what is known, names the place of what is wrong.</summary>
/// <remarks>Members that nobody asks for are ignored; a member that is null counts as absent.</remarks>
internal readonly struct RequestValue(JsonElement element, string place = "")
{
    private const int LongestQuote = 40;

    /// <summary>The JSON itself.</summary>
    public JsonElement Element { get; } = element;

    /// <summary>The place, such as <c>messages[2].role</c>; empty for the whole body.</summary>
    public string Place { get; } = place;

    /// <summary>The kind of the value.</summary>
    public JsonValueKind Kind => Element.ValueKind;

    /// <summary>A member of an object; null where it is absent or null.</summary>
    /// <exception cref="ApiException">This is no object.</exception>
    public RequestValue? Member(string name)
    {
        if (Kind != JsonValueKind.Object)
        {
            throw Fault("an object");
        }

        return Element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? new RequestValue(value, Place.Length == 0 ? name : $"{Place}.{name}") : null;
    }

    /// <summary>A member that must be there.</summary>
    /// <exception cref="ApiException">This is no object, or has no such member.</exception>
    public RequestValue Required(string name)
    {
        string prefix = Place.Length == 0 ? "" : Place + ".";
        return Member(name) ?? throw ApiException.Invalid(prefix + name, $"'{prefix}{name}' is missing.");
    }

    /// <summary>The elements of an array.</summary>
    /// <exception cref="ApiException">This is no array.</exception>
    public List<RequestValue> Items()
    {
        if (Kind != JsonValueKind.Array)
        {
            throw Fault("an array");
        }

        List<RequestValue> items = new(Element.GetArrayLength());
        foreach (JsonElement item in Element.EnumerateArray())
        {
            items.Add(new RequestValue(item, $"{Place}[{items.Count}]"));
        }

        return items;
    }

    /// <summary>The members of an object.</summary>
    /// <exception cref="ApiException">This is no object.</exception>
    public IEnumerable<KeyValuePair<string, RequestValue>> Members()
    {
        if (Kind != JsonValueKind.Object)
        {
            throw Fault("an object");
        }

        string place = Place;
        return Element.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, new RequestValue(member.Value, $"{place}.{member.Name}")));
    }

    /// <summary>A string.</summary>
    /// <exception cref="ApiException">This is none.</exception>
    public string AsString() => Kind == JsonValueKind.String ? Element.GetString()! : throw Fault("a string");

    /// <summary>true or false.</summary>
    /// <exception cref="ApiException">This is neither.</exception>
    public bool AsBool() => Kind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Fault("true or false"),
    };

    /// <summary>An integer in a range; 10.0 counts as one.</summary>
    /// <exception cref="ApiException">This is none.</exception>
    public int AsInt(int least, int most = int.MaxValue) => Kind == JsonValueKind.Number && TryGetInteger(out long value) && value >= least && value <= most
        ? (int)value : throw Fault(most == int.MaxValue ? $"an integer of {least} or more" : $"an integer from {least} to {most}");

    /// <summary>An integer of 64 bits.</summary>
    /// <exception cref="ApiException">This is none.</exception>
    public long AsLong() => Kind == JsonValueKind.Number && TryGetInteger(out long value) ? value : throw Fault("an integer of 64 bits");

    /// <summary>A number in a range, its ends included.</summary>
    /// <exception cref="ApiException">This is none.</exception>
    public float AsNumber(double least, double most) => Kind == JsonValueKind.Number && Element.TryGetDouble(out double value) && value >= least && value <= most
        ? (float)value : throw Fault(string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}"));

    /// <summary>One of some words.</summary>
    /// <exception cref="ApiException">This is none of them.</exception>
    public string AsOneOf(params ReadOnlySpan<string> words)
    {
        string? value = Kind == JsonValueKind.String ? Element.GetString() : null;
        foreach (string word in words)
        {
            if (word == value)
            {
                return word;
            }
        }

        throw Fault("one of " + string.Join(", ", words!));
    }

    /// <summary>The error of a value that is not what it must be.</summary>
    /// <param name="expected">What it must be, such as <c>a number from 0 to 2</c>.</param>
    public ApiException Fault(string expected) => ApiException.Invalid(
        Place.Length == 0 ? null : Place,
        $"{(Place.Length == 0 ? "The body" : $"'{Place}'")} must be {expected}, not {Quote()}.");

    private bool TryGetInteger(out long value)
    {
        if (Element.TryGetInt64(out value))
        {
            return true;
        }

        const double Largest = 1L << 53;
        bool isInteger = Element.TryGetDouble(out double number) && double.IsInteger(number) && Math.Abs(number) <= Largest;
        value = isInteger ? (long)number : 0;
        return isInteger;
    }

    private string Quote() => Kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.Null => "null",
        _ when Element.GetRawText() is { Length: <= LongestQuote } text => text,
        JsonValueKind.String => "a string",
        _ => "a long number",
    };
}
