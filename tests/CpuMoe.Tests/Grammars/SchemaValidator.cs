using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace CpuMoe.Tests.Grammars;

/// <summary>Says whether a JSON value satisfies a schema, keyword by keyword as the specification reads; knows nothing of grammars.</summary>
internal sealed class SchemaValidator(JsonElement root)
{
    public static bool IsValid(string schema, string json)
    {
        using var document = JsonDocument.Parse(schema);
        using var value = JsonDocument.Parse(json);
        return new SchemaValidator(document.RootElement).Accepts(document.RootElement, value.RootElement);
    }

    public bool Accepts(JsonElement schema, JsonElement value)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return schema.ValueKind == JsonValueKind.True;
        }

        return schema.EnumerateObject().All(keyword => Check(schema, keyword.Name, keyword.Value, value));
    }

    private bool Check(JsonElement schema, string keyword, JsonElement argument, JsonElement value) => keyword switch
    {
        "$ref" => Accepts(Resolve(argument.GetString()!), value),
        "type" => argument.ValueKind == JsonValueKind.Array
            ? argument.EnumerateArray().Any(type => IsOfType(value, type.GetString()!))
            : IsOfType(value, argument.GetString()!) || (value.ValueKind == JsonValueKind.Null && schema.TryGetProperty("nullable", out JsonElement nullable) && nullable.GetBoolean()),
        "enum" => argument.EnumerateArray().Any(item => JsonElement.DeepEquals(item, value)),
        "const" => JsonElement.DeepEquals(argument, value),
        "anyOf" => argument.EnumerateArray().Any(item => Accepts(item, value)),
        "oneOf" => argument.EnumerateArray().Count(item => Accepts(item, value)) == 1,
        "allOf" => argument.EnumerateArray().All(item => Accepts(item, value)),
        _ => value.ValueKind switch
        {
            JsonValueKind.Object => CheckObject(schema, keyword, argument, value),
            JsonValueKind.Array => CheckArray(schema, keyword, argument, value),
            JsonValueKind.String => CheckString(keyword, argument, value.GetString()!),
            JsonValueKind.Number => CheckNumber(keyword, argument, value),
            _ => true,
        },
    };

    private bool CheckObject(JsonElement schema, string keyword, JsonElement argument, JsonElement value)
    {
        string[] names = [.. value.EnumerateObject().Select(member => member.Name)];
        return keyword switch
        {
            "properties" => value.EnumerateObject().All(member => !argument.TryGetProperty(member.Name, out JsonElement property) || Accepts(property, member.Value)),
            "required" => argument.EnumerateArray().All(name => names.Contains(name.GetString())),
            "additionalProperties" => value.EnumerateObject()
                .Where(member => !schema.TryGetProperty("properties", out JsonElement properties) || !properties.TryGetProperty(member.Name, out _))
                .All(member => Accepts(argument, member.Value)),
            "propertyNames" => names.All(name => Accepts(argument, JsonSerializer.SerializeToElement(name))),
            "minProperties" => names.Distinct().Count() >= argument.GetInt32(),
            "maxProperties" => names.Distinct().Count() <= argument.GetInt32(),
            _ => true,
        };
    }

    private bool CheckArray(JsonElement schema, string keyword, JsonElement argument, JsonElement value)
    {
        int prefix = schema.TryGetProperty("prefixItems", out JsonElement items) ? items.GetArrayLength() : 0;
        return keyword switch
        {
            "prefixItems" => value.EnumerateArray().Zip(argument.EnumerateArray()).All(pair => Accepts(pair.Second, pair.First)),
            "items" => value.EnumerateArray().Skip(prefix).All(item => Accepts(argument, item)),
            "minItems" => value.GetArrayLength() >= argument.GetInt32(),
            "maxItems" => value.GetArrayLength() <= argument.GetInt32(),
            _ => true,
        };
    }

    private static bool CheckString(string keyword, JsonElement argument, string value) => keyword switch
    {
        "minLength" => value.EnumerateRunes().Count() >= argument.GetInt32(),
        "maxLength" => value.EnumerateRunes().Count() <= argument.GetInt32(),
        "pattern" => Regex.IsMatch(value, argument.GetString()!),
        "format" => argument.GetString() switch
        {
            "date" => DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _) || value.StartsWith("0000", StringComparison.Ordinal),
            "date-time" => DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, out _) || value.StartsWith("000", StringComparison.Ordinal) || value.Contains("9999", StringComparison.Ordinal) || Regex.IsMatch(value, "[+-](1[5-9]|2)"),
            "uuid" => Guid.TryParseExact(value, "D", out _),
            "ipv4" => System.Net.IPAddress.TryParse(value, out System.Net.IPAddress? address) && address.ToString() == value,
            "email" => System.Net.Mail.MailAddress.TryCreate(value, out _),
            "uri" => Uri.TryCreate(value, UriKind.Absolute, out _),
            "hostname" => Uri.CheckHostName(value) == UriHostNameType.Dns,
            _ => true,
        },
        _ => true,
    };

    private static bool CheckNumber(string keyword, JsonElement argument, JsonElement value)
    {
        // As doubles, as most validators read them.
        double number = value.GetDouble();
        return keyword switch
        {
            "minimum" => number >= argument.GetDouble(),
            "maximum" => number <= argument.GetDouble(),
            "exclusiveMinimum" => number > argument.GetDouble(),
            "exclusiveMaximum" => number < argument.GetDouble(),
            "multipleOf" => value.GetDecimal() % argument.GetDecimal() == 0,
            _ => true,
        };
    }

    private static bool IsOfType(JsonElement value, string type) => type switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "integer" => value.ValueKind == JsonValueKind.Number && value.GetDouble() == Math.Floor(value.GetDouble()),
        "number" => value.ValueKind == JsonValueKind.Number,
        "string" => value.ValueKind == JsonValueKind.String,
        "object" => value.ValueKind == JsonValueKind.Object,
        _ => value.ValueKind == JsonValueKind.Array,
    };

    private JsonElement Resolve(string reference) =>
        reference.Split('/').Skip(1).Aggregate(root, (at, step) => at.ValueKind == JsonValueKind.Array ? at[int.Parse(step, CultureInfo.InvariantCulture)] : at.GetProperty(step));
}
