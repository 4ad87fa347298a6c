using System.Text.Json;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>/save</c> and <c>/load</c>.</summary>
public sealed class SavedConversationTests : IDisposable
{
    private readonly ToolFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_saved_conversation_goes_on()
    {
        string file = Path.Combine(_files.Folder, "talk.json");
        File.WriteAllText(file, "old");
        CliResult saved = Chat($"/system Be kind.\nMy name is Ana.\n/save {file}\n");
        CliResult loaded = Chat($"/load {file}\nWhat is my name?\n/stats\n");

        Assert.Contains($"cpumoe: saved to {file}\n", saved.Error, StringComparison.Ordinal);
        Assert.Contains($"cpumoe: 2 messages of {file} are loaded\n", loaded.Error, StringComparison.Ordinal);
        Assert.Contains("Ana", loaded.Out, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(file));
        Assert.Equal((1, "Be kind."), (json.RootElement.GetProperty("version").GetInt32(), json.RootElement.GetProperty("system").GetString()));
        Assert.Equal([file], Directory.GetFiles(_files.Folder));
    }

    [Fact]
    public void Calls_results_and_thoughts_are_kept()
    {
        string file = Path.Combine(_files.Folder, "talk.json"), again = Path.Combine(_files.Folder, "again.json");
        string tools = _files.Write("tools.json", ToolFiles.Weather);
        CliResult result = Chat($"/think on\n{ToolFiles.Question}\n{ToolFiles.Result}\n/save {file}\n/reset\n/load {file}\n/save {again}\n", "--tools", tools);

        Assert.Equal(ToolFiles.Answer, result.Out);
        Assert.Equal(File.ReadAllText(file), File.ReadAllText(again));
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(file));
        JsonElement[] messages = [.. json.RootElement.GetProperty("messages").EnumerateArray()];
        Assert.Equal(["user", "assistant", "tool", "assistant"], messages.Select(message => message.GetProperty("role").GetString()));
        JsonElement call = messages[1].GetProperty("tool_calls")[0];
        Assert.Equal("{\"city\": \"Paris\"}", call.GetProperty("arguments").GetString());
        Assert.Equal(call.GetProperty("id").GetString(), messages[2].GetProperty("tool_call_id").GetString());
        Assert.NotEmpty(messages[1].GetProperty("reasoning").GetString()!);
    }

    [Theory]
    [InlineData(null, "talk.json")]
    [InlineData("", "is no saved conversation")]
    [InlineData("null", "is no saved conversation")]
    [InlineData("{\"version\":2}", "has version 2; this program reads version 1")]
    [InlineData("{\"version\":1}", "has no messages")]
    [InlineData("{\"version\":1,\"messages\":[null]}", "message 0 has no known role")]
    [InlineData("{\"version\":1,\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"critic\"}]}", "message 1 has no known role")]
    [InlineData("{\"version\":1,\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\"}]}]}", "message 0 has an incomplete call")]
    public void What_cannot_be_loaded_changes_nothing(string? content, string problem)
    {
        string file = Path.Combine(_files.Folder, "talk.json");
        if (content is not null)
        {
            File.WriteAllText(file, content);
        }

        CliResult result = Chat($"My name is Ana.\n/load {file}\nWhat is my name?\n");

        Assert.Contains(problem, result.Error, StringComparison.Ordinal);
        Assert.Contains("Ana", result.Out.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_saved_is_told()
    {
        CliResult result = Chat($"/save\n/save {Path.Combine(_files.Folder, "none", "talk.json")}\nMy name is Ana.\n");

        Assert.Contains("cpumoe: /save needs the name of a file\n", result.Error, StringComparison.Ordinal);
        Assert.Contains("Could not find", result.Error, StringComparison.Ordinal);
        Assert.NotEmpty(result.Out);
    }

    private static CliResult Chat(string script, params string[] args) => Cli.RunWithInput(script, ["chat", "-m", TestData.DemoModel, "--temp", "0", "--no-think", .. args]);
}
