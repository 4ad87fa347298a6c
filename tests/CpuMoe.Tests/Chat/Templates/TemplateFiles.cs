using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Chat.Templates;

/// <summary>The templates of the tests, and how they are rendered there.</summary>
internal static class TemplateFiles
{
    private static readonly string Folder = Path.Combine(TestData.DataFolder, "chat-templates");

    /// <summary>The template that the bundled model was trained with.</summary>
    public static string Glm45 { get; } = File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "tools", "demo-model", "source", "chat_template.jinja"));

    /// <summary>Templates of other formats, written for the tests.</summary>
    public static string[] Families { get; } = ["deepseek", "glm-4.7", "llama3", "mistral", "qwen3", "smollm2"];

    public static string Read(string family) => File.ReadAllText(Path.Combine(Folder, $"{family}.jinja"));

    public static JsonElement ReadFeatures()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "features.json")));
        return document.RootElement.Clone();
    }

    /// <summary>Renders a template without messages.</summary>
    /// <param name="template">The source.</param>
    /// <param name="variables">The variables as a JSON object.</param>
    public static RenderedPrompt Render(string template, string variables = "{}") => Render(template, JsonDocument.Parse(variables).RootElement);

    public static RenderedPrompt Render(string template, JsonElement variables) => ChatTemplate.Parse(template).Render([], new PromptOptions
    {
        Variables = variables.EnumerateObject().ToDictionary(member => member.Name, member => member.Value),
    });

    public static ChatMessage System(string text) => new(ChatRole.System, text);

    public static ChatMessage User(string text) => new(ChatRole.User, text);

    public static ChatMessage Assistant(string text, string? thought = null, params ToolCall[] calls) => new(ChatRole.Assistant, text, thought) { ToolCalls = calls };

    public static ChatMessage Tool(string text, string? id = null) => new(ChatRole.Tool, text) { ToolCallId = id };
}
