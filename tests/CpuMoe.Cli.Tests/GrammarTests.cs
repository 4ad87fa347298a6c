using System.Text.Json;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe run</c> with a grammar or a schema.</summary>
public sealed class GrammarTests : IDisposable
{
    private const string France = "What is the capital of France?";
    private const string Schema = """{"type":"object","properties":{"city":{"type":"string","maxLength":24},"sure":{"type":"boolean"}},"required":["city","sure"]}""";

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData("--no-think")]
    [InlineData("--think")]
    public void The_answer_satisfies_the_schema(string thinking)
    {
        CliResult result = Run("-p", France, thinking, "-n", "300", "--json-schema", Schema);

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        using JsonDocument json = JsonDocument.Parse(result.Out);
        Assert.Equal(["city", "sure"], json.RootElement.EnumerateObject().Select(member => member.Name));
        Assert.Equal(thinking == "--think", result.Error.Contains("capital of France", StringComparison.Ordinal));
    }

    [Fact]
    public void Schema_and_grammar_come_from_files()
    {
        File.WriteAllText(_file, Schema);
        using JsonDocument json = JsonDocument.Parse(Run("-p", France, "--no-think", "-n", "300", "--json-schema", _file).Out);
        Assert.Equal(JsonValueKind.Object, json.RootElement.ValueKind);

        File.WriteAllText(_file, "root ::= \"London\" | \"Paris\" | \"Rome\"\n");
        Assert.Equal("Paris\n", Run("-p", France, "--no-think", "--grammar-file", _file).Out);
        Assert.Contains(Run("--raw", "-p", "The capital of France is", "--grammar-file", _file).Out, (string[])["London\n", "Paris\n", "Rome\n"]);
    }

    [Fact]
    public void Faults_are_one_line()
    {
        File.WriteAllText(_file, "root ::= (\"a\"");

        Assert.Equal($"cpumoe: --grammar-file: {_file}: line 1, column 14: ')' is missing at the end of a group", Run("-p", "x", "--grammar-file", _file).ErrorLine);
        Assert.StartsWith("cpumoe: --json-schema: schema at /type: \"x\" is not a type", Run("-p", "x", "--json-schema", """{"type":"x"}""").ErrorLine, StringComparison.Ordinal);
        Assert.Contains("No text", Run("-p", "x", "--json-schema", """{"enum":[]}""").ErrorLine, StringComparison.Ordinal);
        Assert.Contains("no such file", Run("-p", "x", "--json-schema", "missing.json").ErrorLine, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, Run("-p", "x", "--json-schema", "{}", "--grammar-file", _file).ExitCode);
    }

    private static CliResult Run(params string[] args) => Cli.Run(["run", "-m", TestData.DemoModel, "--temp", "0", .. args]);
}
