using System.Text.Json;

namespace CpuMoe.Chat;

/// <summary>What is to be known of a tool to read a call of it.</summary>
internal sealed class ToolSignature
{
    private readonly Dictionary<string, ArgumentKinds> _parameters = new(StringComparer.Ordinal);
    private readonly List<string> _required = [];

    /// <summary>Reads the schema of a tool; what is odd in it does not matter here.</summary>
    public ToolSignature(ToolDefinition tool)
    {
        if (tool.Parameters is null || ArgumentText.TryParse(tool.Parameters) is not { ValueKind: JsonValueKind.Object } schema)
        {
            return;
        }

        if (schema.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in properties.EnumerateObject())
            {
                _parameters[property.Name] = ArgumentKindsOf.Schema(property.Value, schema);
            }
        }

        if (schema.TryGetProperty("required", out JsonElement required) && required.ValueKind == JsonValueKind.Array)
        {
            _required.AddRange(required.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String).Select(name => name.GetString()!));
        }
    }

    /// <summary>What a parameter may be; anything where it is not declared.</summary>
    public ArgumentKinds KindsOf(string parameter) => _parameters.GetValueOrDefault(parameter, ArgumentKinds.Any);

    /// <summary>Whether all required parameters are among those given.</summary>
    public bool IsSatisfiedBy(IReadOnlySet<string> given) => _required.TrueForAll(given.Contains);
}
