using System.Text.Json.Nodes;

namespace CpuMoe.Server.Tests;

/// <summary>Bodies of requests.</summary>
internal static class Requests
{
    public const string ChatPath = "/v1/chat/completions";

    public const string WeatherTool = """
        {"type":"function","function":{"name":"get_weather","description":"Get the current weather for a city.",
        "parameters":{"type":"object","properties":{"city":{"type":"string","description":"City name."}},"required":["city"]}}}
        """;

    /// <summary>A greedy chat of one message without thinking, with more members.</summary>
    public static JsonObject Chat(string text, string members = "{}")
    {
        JsonObject body = new()
        {
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }),
            ["temperature"] = 0,
            ["reasoning_effort"] = "none",
        };
        foreach ((string name, JsonNode? value) in JsonNode.Parse(members)!.AsObject())
        {
            body[name] = value?.DeepClone();
        }

        return body;
    }
}
