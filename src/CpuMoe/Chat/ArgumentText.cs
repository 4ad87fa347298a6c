using System.Text.Encodings.Web;
using System.Text.Json;

namespace CpuMoe.Chat;

/// <summary>Turns arguments as models write them into JSON.</summary>
internal static class ArgumentText
{
    /// <summary>How deep an argument may be nested; with what is around it, it stays within what JSON parsers take (64).</summary>
    public const int MaxDepth = 60;

    private static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>A text as the inside of a JSON string; a lone surrogate becomes U+FFFD.</summary>
    public static string Escape(ReadOnlySpan<char> text) => Encoder.Encode(text.ToString());

    /// <summary>A text as a JSON string.</summary>
    public static string Quote(string text) => $"\"{Escape(text)}\"";

    /// <summary>Parses JSON; null where it is malformed, nested too deep, or has a string that is no valid Unicode.</summary>
    public static JsonElement? TryParse(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, Options);
            return IsUnicode(document.RootElement) ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The JSON of a value that a model wrote between tags.</summary>
    /// <param name="raw">What it wrote: a string as it is, anything else as JSON, or at least meant so.</param>
    /// <param name="kinds">What the parameter may be.</param>
    public static string ToJson(string raw, ArgumentKinds kinds)
    {
        string text = raw.Trim();
        if (kinds == ArgumentKinds.String)
        {
            return Quote(raw);
        }

        if (TryParse(text) is { } value
            && (kinds == ArgumentKinds.Any || !kinds.HasFlag(ArgumentKinds.String) || (kinds & ~ArgumentKinds.String & ArgumentKindsOf.Value(value)) != 0))
        {
            return text;
        }

        return !kinds.HasFlag(ArgumentKinds.String) && PythonLiteral.ToJson(text) is { } json && TryParse(json) is not null ? json : Quote(raw);
    }

    /// <summary>Whether all strings are valid; an escape can name half of a surrogate pair, which the parser does not notice.</summary>
    private static bool IsUnicode(JsonElement value)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.String => value.GetString() is not null,
                JsonValueKind.Array => value.EnumerateArray().All(IsUnicode),
                JsonValueKind.Object => value.EnumerateObject().All(member => member.Name is not null && IsUnicode(member.Value)),
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
