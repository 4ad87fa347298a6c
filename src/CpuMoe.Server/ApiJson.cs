using System.Text.Encodings.Web;
using System.Text.Json;

namespace CpuMoe.Server;

/// <summary>How all protocols write JSON: on one line, characters as they are.</summary>
internal static class ApiJson
{
    /// <summary>For writers; what a response says goes into no HTML.</summary>
    public static JsonWriterOptions WriterOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>For serialisers: snake_case; null members are written unless they say otherwise.</summary>
    public static JsonSerializerOptions CreateOptions() => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
