namespace CpuMoe.Grammars.Json;

/// <summary>The formats of strings that are enforced, as patterns; each a part of what its RFC allows.</summary>
internal static class StringFormats
{
    // Every 29th of February is left out: whether there is one depends on the year.
    private const string Date = "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))";
    private const string Time = @"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
    private const string Label = "[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?";
    private const string Host = Label + @"(?:\." + Label + "){0,3}";
    private const string Byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

    private static readonly Dictionary<string, string> Patterns = new(StringComparer.Ordinal)
    {
        ["date"] = Date,
        ["time"] = Time,
        ["date-time"] = Date + "T" + Time,
        ["uuid"] = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ["email"] = @"[A-Za-z0-9_+-]{1,32}(?:\.[A-Za-z0-9_+-]{1,16}){0,2}@" + Label + @"(?:\." + Label + "){1,3}",
        ["ipv4"] = Byte + @"(?:\." + Byte + "){3}",
        ["hostname"] = Host,
        ["uri"] = "https?://" + Host + "(?::[1-9][0-9]{0,3})?(?:/[A-Za-z0-9._~-]{0,64}){0,8}(?:\\?[A-Za-z0-9._~=&-]{1,128})?(?:#[A-Za-z0-9._~-]{1,64})?",
    };

    /// <summary>The pattern of a format, or null: other formats are descriptions, as JSON Schema says of all.</summary>
    public static string? Find(string name) => Patterns.GetValueOrDefault(name);
}
