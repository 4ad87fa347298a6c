namespace CpuMoe.Cli.Tests;

/// <summary>Files in a folder of their own, deleted with it.</summary>
internal sealed class ToolFiles : IDisposable
{
    public const string Question = "What is the weather in Paris?";
    public const string Answer = "The weather in Paris is cloudy with 17 degrees.\n";
    public const string Result = """{"city": "Paris", "temperature": 17, "condition": "cloudy"}""";

    /// <summary>The tool that the bundled model was trained on.</summary>
    public const string Weather =
        """
        [{"type": "function", "function": {"name": "get_weather", "description": "Get the current weather for a city.",
          "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "The name of the city."}}, "required": ["city"]}}}]
        """;

    public ToolFiles() => Folder = Directory.CreateTempSubdirectory("cpumoe-cli-").FullName;

    public string Folder { get; }

    public string Write(string name, string text)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
