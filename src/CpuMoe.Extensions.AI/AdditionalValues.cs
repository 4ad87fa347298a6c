using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace CpuMoe.Extensions.AI;

/// <summary>Reads what <see cref="ChatOptions.AdditionalProperties"/> say, as .NET values or as JSON.</summary>
internal readonly struct AdditionalValues(AdditionalPropertiesDictionary? properties)
{
    /// <summary>A number; null where it is not given.</summary>
    /// <exception cref="ArgumentException">It is no number.</exception>
    public float? Number(string name) => Find(name) switch
    {
        null => null,
        JsonElement { ValueKind: JsonValueKind.Number } number => number.GetSingle(),
        float or double or decimal or int or long => System.Convert.ToSingle(Find(name), CultureInfo.InvariantCulture),
        object other => throw Wrong(name, other, "a number"),
    };

    /// <summary>A whole number; null where it is not given.</summary>
    /// <exception cref="ArgumentException">It is no whole number.</exception>
    public int? Integer(string name) => Find(name) switch
    {
        null => null,
        int number => number,
        long number and >= int.MinValue and <= int.MaxValue => (int)number,
        JsonElement { ValueKind: JsonValueKind.Number } json when json.TryGetInt32(out int number) => number,
        object other => throw Wrong(name, other, "a whole number"),
    };

    /// <summary>A truth value; null where it is not given.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public bool? Flag(string name) => Find(name) switch
    {
        null => null,
        bool flag => flag,
        JsonElement { ValueKind: JsonValueKind.True or JsonValueKind.False } json => json.GetBoolean(),
        object other => throw Wrong(name, other, "true or false"),
    };

    /// <summary>A text; null where it is not given.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public string? Text(string name) => Find(name) switch
    {
        null => null,
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString(),
        object other => throw Wrong(name, other, "a text"),
    };

    /// <summary>The members of a JSON object, or of what serialises to one; none where it is not given.</summary>
    /// <exception cref="ArgumentException">It is no object.</exception>
    public Dictionary<string, JsonElement> Members(string name)
    {
        if (Find(name) is not { } value)
        {
            return [];
        }

        JsonElement json = value is JsonElement element ? element : JsonSerializer.SerializeToElement(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType()));
        return json.ValueKind == JsonValueKind.Object
            ? json.EnumerateObject().ToDictionary(member => member.Name, member => member.Value, StringComparer.Ordinal)
            : throw Wrong(name, value, "a JSON object");
    }

    private object? Find(string name) => properties is not null && properties.TryGetValue(name, out object? value) && value is not JsonElement { ValueKind: JsonValueKind.Null } ? value : null;

    private static ArgumentException Wrong(string name, object value, string expected) => new($"The additional property '{name}' is '{value}', but must be {expected}.");
}
