using System.Text.Json.Nodes;

namespace CpuMoe.Tests.Grammars;

/// <summary>Schemas as clients send them, at random, with definitions that refer to each other.</summary>
internal sealed class RandomSchemas(Random random)
{
    private static readonly string[] Names = ["name", "id", "tags", "a/b", "größe", "a", "ab", "abc", "x y", "q\"uote", "child", "$v"];
    private static readonly string[] Patterns = ["^[a-z]{2,5}$", "^\\d{3}-\\d{2}$", "ab+", "^(?:x|y|\"z\")", "[0-9]$", "^a.b$"];
    private static readonly string[] Formats = ["date", "date-time", "uuid", "email", "ipv4", "hostname", "uri", "unknown-format"];

    public JsonNode Next()
    {
        JsonObject schema = Schema(4);
        schema["$defs"] = new JsonObject
        {
            ["node"] = new JsonObject
            {
                ["type"] = "object",
                ["properties"] = new JsonObject
                {
                    ["v"] = Schema(1),
                    ["next"] = new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["$ref"] = "#/$defs/node" }, new JsonObject { ["type"] = "null" }) },
                },
                ["required"] = new JsonArray("next"),
            },
            ["item"] = Schema(1),
            ["list"] = new JsonObject { ["type"] = "array", ["maxItems"] = 3, ["items"] = new JsonObject { ["$ref"] = "#/$defs/item" } },
        };
        return schema;
    }

    private JsonObject Schema(int depth)
    {
        JsonObject schema = random.Next(depth > 0 ? 14 : 8) switch
        {
            0 => new JsonObject { ["type"] = "boolean" },
            1 => Number("integer"),
            2 => Number("number"),
            3 or 4 => Text(),
            5 => new JsonObject { ["enum"] = new JsonArray("red", "grün", 3, null, true, new JsonObject { ["a"] = new JsonArray(1, "x") }) },
            6 => new JsonObject { ["const"] = random.Next(2) == 0 ? "fix\n\"ed\"" : 42 },
            7 => new JsonObject { ["type"] = new JsonArray("null", random.Next(2) == 0 ? "integer" : "boolean") },
            8 or 9 or 10 => Object(depth),
            11 => Array(depth),
            12 => Alternatives(depth),
            _ => new JsonObject { ["$ref"] = $"#/$defs/{(random.Next(3) switch { 0 => "node", 1 => "item", _ => "list" })}" },
        };
        if (random.Next(5) == 0)
        {
            schema["description"] = "ignored";
        }

        if (random.Next(8) == 0 && schema["type"] is JsonValue)
        {
            schema["nullable"] = true;
        }

        return schema;
    }

    private JsonObject Number(string type)
    {
        JsonObject schema = new() { ["type"] = type };
        double low = Math.Round((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(0, 5)), random.Next(0, 4));
        double high = Math.Round(low + (random.NextDouble() * Math.Pow(10, random.Next(0, 4))) + 1.5, random.Next(0, 4));
        if (random.Next(2) == 0)
        {
            schema[type == "integer" || random.Next(2) == 0 ? "minimum" : "exclusiveMinimum"] = low;
        }

        if (random.Next(2) == 0)
        {
            schema[random.Next(2) == 0 ? "maximum" : "exclusiveMaximum"] = high;
        }

        if (random.Next(6) == 0 && !schema.ContainsKey("minimum") && !schema.ContainsKey("maximum") && !schema.ContainsKey("exclusiveMaximum") && !schema.ContainsKey("exclusiveMinimum"))
        {
            schema["multipleOf"] = type == "integer" ? random.Next(2, 12) : 0.01;
        }

        return schema;
    }

    private JsonObject Text()
    {
        JsonObject schema = new() { ["type"] = "string" };
        switch (random.Next(4))
        {
            case 0:
                schema["minLength"] = random.Next(0, 4);
                schema["maxLength"] = random.Next(4, 30);
                break;
            case 1:
                schema["pattern"] = Patterns[random.Next(Patterns.Length)];
                break;
            case 2:
                schema["format"] = Formats[random.Next(Formats.Length)];
                break;
            default:
                schema["maxLength"] = random.Next(1, 80);
                break;
        }

        return schema;
    }

    private JsonObject Object(int depth)
    {
        JsonObject properties = [];
        foreach (string name in Names.OrderBy(_ => random.Next()).Take(random.Next(0, 5)))
        {
            properties[name] = Schema(depth - 1);
        }

        JsonObject schema = new()
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray([.. properties.Where(_ => random.Next(2) == 0).Select(property => (JsonNode)property.Key)]),
        };
        switch (random.Next(5))
        {
            case 0:
                schema["additionalProperties"] = Schema(0);
                schema["maxProperties"] = properties.Count + 2;
                break;
            case 1:
                schema["additionalProperties"] = false;
                break;
            case 2 when properties.Count > 1:
                schema["minProperties"] = schema["required"]!.AsArray().Count + 1 <= properties.Count ? schema["required"]!.AsArray().Count + 1 : 0;
                break;
            case 3 when properties.Count > 1:
                schema["maxProperties"] = Math.Max(schema["required"]!.AsArray().Count, 1);
                break;
        }

        return schema;
    }

    private JsonObject Array(int depth)
    {
        JsonObject schema = new() { ["type"] = "array", ["items"] = Schema(depth - 1), ["maxItems"] = random.Next(2, 5) };
        if (random.Next(2) == 0)
        {
            schema["minItems"] = random.Next(0, 3);
        }

        if (random.Next(3) == 0)
        {
            schema["prefixItems"] = new JsonArray(Schema(0), Schema(0));
        }

        return schema;
    }

    private JsonObject Alternatives(int depth) => random.Next(3) switch
    {
        0 => new JsonObject { ["anyOf"] = new JsonArray(Schema(depth - 1), Schema(depth - 1)) },
        1 => new JsonObject
        {
            ["oneOf"] = new JsonArray(
                Kind("circle", "radius"), Kind("square", "side"), new JsonObject { ["type"] = "string", ["maxLength"] = 9 }, new JsonObject { ["type"] = "integer" }),
        },
        _ => new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject { ["base"] = Schema(0) },
            ["allOf"] = new JsonArray(
                new JsonObject { ["properties"] = new JsonObject { ["more"] = Schema(0) }, ["required"] = new JsonArray("more") },
                new JsonObject { ["$ref"] = "#/$defs/node" }),
        },
    };

    private JsonObject Kind(string kind, string measure) => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject { ["kind"] = new JsonObject { ["const"] = kind }, [measure] = Number("number") },
        ["required"] = new JsonArray("kind", measure),
    };
}
