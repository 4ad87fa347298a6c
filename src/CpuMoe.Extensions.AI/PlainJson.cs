using System.Text.Json;
using System.Text.Json.Serialization;

namespace CpuMoe.Extensions.AI;

/// <summary>Writes JSON without reflection, so that trimmed applications can too.</summary>
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(string))]
internal sealed partial class PlainJson : JsonSerializerContext;
