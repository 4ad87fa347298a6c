using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace CpuMoe.Chat.Templates;

/// <summary>Values of JSON texts; every string in them comes from outside.</summary>
internal static class JsonValues
{
    /// <summary>The value of an element.</summary>
    /// <exception cref="InvalidOperationException">A string is no valid UTF-16.</exception>
    public static Value From(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                MapValue map = new();
                AddEntries(map, element);
                return map;
            case JsonValueKind.Array:
                return new ListValue([.. element.EnumerateArray().Select(From)]);
            case JsonValueKind.String:
                return TextValue.Outside(element.GetString()!);
            case JsonValueKind.Number:
                return FromNumber(element.GetRawText());
            case JsonValueKind.True or JsonValueKind.False:
                return BooleanValue.Of(element.GetBoolean());
            default:
                return NoneValue.Instance;
        }
    }

    /// <summary>The value of a text; null where it is no JSON.</summary>
    public static Value? TryParse(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return From(document.RootElement);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The filter <c>from_json</c>.</summary>
    public static Value Parse(TextValue text, RenderContext context)
    {
        context.Budget.AllocateObjects(text.Text.Length); // There is at most one value to a character.
        context.Budget.Step(text.Text.Length);
        return TryParse(text.Text) ?? throw context.Fault("the text is no valid JSON");
    }

    /// <summary>Adds the members of an object to a map.</summary>
    public static void AddEntries(MapValue map, JsonElement element)
    {
        foreach (JsonProperty member in element.EnumerateObject())
        {
            map.SetOutside(member.Name, From(member.Value));
        }
    }

    /// <summary>Integers stay integers, however long; what has a fraction or an exponent is a float, as in Python.</summary>
    private static Value FromNumber(string text) =>
        text.AsSpan().IndexOfAny('.', 'e', 'E') < 0 && text.Length < 1000
            ? new IntegerValue(BigInteger.Parse(text, CultureInfo.InvariantCulture))
            : new FloatValue(double.Parse(text, CultureInfo.InvariantCulture));
}
