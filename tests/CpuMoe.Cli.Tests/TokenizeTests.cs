using System.Text.Json;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe tokenize</c> and <c>cpumoe detokenize</c>.</summary>
public class TokenizeTests
{
    private static readonly string[] Model = ["-m", TestData.DemoModel];

    [Fact]
    public void Ids_equal_those_of_the_reference_engine_and_decode_to_the_text()
    {
        JsonElement cases = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Path.Combine(TestData.DataFolder, "demo", "tokens.json")));
        foreach (JsonElement item in cases.EnumerateArray())
        {
            string text = item.GetProperty("text").GetString()!;
            string ids = string.Join(' ', item.GetProperty("ids").Deserialize<int[]>()!);

            Assert.Equal(ids + "\n", Cli.RunWithInput(text, ["tokenize", .. Model, "-"]).Out);
            Assert.Equal(text + "\n", Cli.RunWithInput(ids, ["detokenize", .. Model, "-"]).Out);
        }
    }

    [Fact]
    public void Json_has_ids_and_pieces_that_make_up_the_text()
    {
        const string Text = "<|user|>\nHello wörld 巴黎";
        JsonElement json = JsonSerializer.Deserialize<JsonElement>(Cli.Run(["tokenize", .. Model, "--json", Text]).Out);
        string[] pieces = json.GetProperty("pieces").Deserialize<string[]>()!;
        int[] ids = json.GetProperty("tokens").Deserialize<int[]>()!;

        Assert.Equal(["tokens", "pieces"], json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(ids.Length, pieces.Length);
        Assert.Equal("<|user|>", pieces[0]);
        JsonElement back = JsonSerializer.Deserialize<JsonElement>(Cli.Run(["detokenize", .. Model, "--json", string.Join(',', ids)]).Out);
        Assert.Equal(Text, back.GetProperty("text").GetString());
    }

    [Fact]
    public void Special_tokens_can_be_taken_as_plain_text()
    {
        Assert.Single(Cli.Run(["tokenize", .. Model, "<|user|>"]).Out.Split(' '));
        Assert.NotEqual(1, Cli.Run(["tokenize", .. Model, "--no-special", "<|user|>"]).Out.Split(' ').Length);
    }

    [Fact]
    public void Standard_input_is_taken_exactly() =>
        Assert.Equal("x\n\n", Cli.RunWithInput(Cli.RunWithInput("x\n", ["tokenize", .. Model, "-"]).Out, ["detokenize", .. Model, "-"]).Out);

    [Fact]
    public void An_id_that_the_model_lacks_is_a_failure()
    {
        CliResult result = Cli.Run(["detokenize", .. Model, "5", "2304"]);

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.Equal("cpumoe: the model has no token 2304; its ids are 0 to 2303", result.ErrorLine);
    }
}
