using System.Text.Json;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe run</c> on the bundled model.</summary>
public class RunTests
{
    private const string France = "What is the capital of France?";
    private const string FranceAnswer = "The capital of France is Paris.\n";

    private static CliResult Run(params string[] args) => Cli.Run(["run", "-m", TestData.DemoModel, "--temp", "0", .. args]);

    [Fact]
    public void Answers_on_standard_output_and_thinks_on_standard_error()
    {
        CliResult result = Run("-p", France);

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Equal(FranceAnswer, result.Out);
        Assert.StartsWith("The user asks for the capital of France. It is Paris.\n", result.Error, StringComparison.Ordinal);
        Assert.Matches(@"cpumoe: prompt 13 tokens at [\d.]+ tokens/s, generated 31 at [\d.]+ tokens/s, first token after \d+ ms, peak memory [\d.]+ [MG]iB\n$", result.Error);
        Assert.DoesNotContain('\e', result.Error);
    }

    [Fact]
    public void Without_thinking_there_is_no_thought()
    {
        CliResult result = Run("-p", France, "--no-think");

        Assert.Equal(FranceAnswer, result.Out);
        Assert.StartsWith("cpumoe: prompt ", result.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_model_the_bundled_one_answers_and_is_named_as_a_toy()
    {
        CliResult result = Cli.Run("run", "-p", France, "--temp", "0");

        Assert.Equal(FranceAnswer, result.Out);
        Assert.Matches(@"^cpumoe: .*toy.*demo-Q4_K_M\.gguf", result.Error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void Reads_the_prompt_from_standard_input_without_its_final_line_break(string lineBreak)
    {
        CliResult expected = Run("-p", France, "--json");
        CliResult result = Cli.RunWithInput(France + lineBreak, "run", "-m", TestData.DemoModel, "-p", "-", "--temp", "0", "--json");

        Assert.Equal(Ids(expected, "prompt_tokens"), Ids(result, "prompt_tokens"));
    }

    [Fact]
    public void Reads_the_prompt_from_a_file()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, France + "\n");
            Assert.Equal(FranceAnswer, Run("-f", path).Out);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_chat_template_in_a_file_takes_the_place_of_the_models()
    {
        const string Template = "[gMASK]<sop><|user|>\n{{ messages[-1].content }}{% if not enable_thinking %}/nothink{% endif %}<|assistant|>\n<think></think>";

        Assert.Equal(FranceAnswer, WithTemplate(Template, "-p", France, "--no-think").Out);
        Assert.Matches("^cpumoe: .*template.txt: chat template, line 1, column 4: a value is expected", WithTemplate("{{ }}", "-p", "x").ErrorLine);
        Assert.Equal("cpumoe: chat template, line 1, column 19: the template refuses: no x", WithTemplate("{{ raise_exception('no ' ~ messages[0].content) }}", "-p", "x").ErrorLine);
        Assert.Contains("gives an empty prompt", WithTemplate("{# #}", "-p", "x").ErrorLine, StringComparison.Ordinal);
        Assert.Matches("no switch for thinking", WithTemplate("{{ messages[0].content }}", "-p", "x", "-n", "1", "--think").Error);
    }

    [Fact]
    public void A_model_without_a_template_is_not_guessed_at()
    {
        string folder = Directory.CreateTempSubdirectory("cpumoe-").FullName;
        try
        {
            byte[] model = File.ReadAllBytes(TestData.DemoModel);
            int key = model.AsSpan().IndexOf("tokenizer.chat_template"u8);
            model[key] = (byte)'T';
            string path = Path.Combine(folder, "model.gguf");
            File.WriteAllBytes(path, model);

            Assert.Matches(@"model\.gguf has no chat template; --chat-template gives it one, 'cpumoe run --raw' ", Cli.Run("run", "-m", path, "-p", "x").ErrorLine);
            Assert.Matches(@"model\.gguf has no chat template", Cli.RunWithInput("x\n", "chat", "-m", path).ErrorLine);
            Assert.Equal(ExitCodes.Success, Cli.Run("run", "-m", path, "--raw", "-p", "x", "-n", "1").ExitCode);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Json_has_text_thought_ids_and_times()
    {
        CliResult result = Run("-p", France, "--json");

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Empty(result.Error);
        using JsonDocument json = JsonDocument.Parse(result.Out);
        JsonElement root = json.RootElement;
        Assert.Equal(["text", "reasoning", "prompt_tokens", "tokens", "finish_reason", "timings"], root.EnumerateObject().Select(property => property.Name));
        Assert.Equal(FranceAnswer.TrimEnd(), root.GetProperty("text").GetString());
        Assert.Equal("The user asks for the capital of France. It is Paris.", root.GetProperty("reasoning").GetString());
        Assert.Equal("stop", root.GetProperty("finish_reason").GetString());
        Assert.Equal(Golden("capital_think").GetProperty("prompt_tokens").Deserialize<int[]>(), Ids(result, "prompt_tokens"));
        Assert.Equal(Golden("capital_think").GetProperty("tokens").Deserialize<int[]>(), Ids(result, "tokens"));
        JsonElement timings = root.GetProperty("timings");
        Assert.Equal(["load_ms", "prompt_ms", "prompt_per_second", "predicted_ms", "predicted_per_second"], timings.EnumerateObject().Select(property => property.Name));
        Assert.All(timings.EnumerateObject(), property => Assert.True(property.Value.GetDouble() > 0, property.Name));
    }

    [Fact]
    public void Json_leaves_other_scripts_readable_and_has_no_thought_where_there_is_none()
    {
        CliResult result = Run("-p", "法国的首都是哪里？", "--no-think", "--json");

        Assert.Contains("法国的首都是巴黎。", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("reasoning", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void The_token_limit_ends_the_answer()
    {
        CliResult result = Run("-p", France, "-n", "3", "--json");

        Assert.Equal(3, Ids(result, "tokens").Length);
        Assert.Contains("\"finish_reason\":\"length\"", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_context_ends_the_answer()
    {
        CliResult result = Run("-p", France, "--ctx", "20", "--json");

        Assert.Contains("\"finish_reason\":\"context\"", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_prompt_that_fills_the_context_is_a_failure()
    {
        CliResult result = Run("-p", France, "--ctx", "13");

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.Equal("cpumoe: the prompt has 13 tokens and leaves no room in a context of 13; use a larger --ctx or a shorter prompt", result.ErrorLine);
    }

    [Fact]
    public void A_stop_text_ends_the_answer_and_is_left_out()
    {
        CliResult result = Run("-p", France, "--no-think", "--stop", "nothing", "--stop", " of France");

        Assert.Equal("The capital\n", result.Out);
    }

    [Fact]
    public void A_banned_token_does_not_occur()
    {
        int paris = Ids(Cli.Run("tokenize", "-m", TestData.DemoModel, "--json", " Paris"), "tokens")[0];
        int[] free = Ids(Run("-p", France, "--no-think", "--json"), "tokens");
        int[] banned = Ids(Run("-p", France, "--no-think", "--json", "-n", "30", "--logit-bias", $"{paris}=-inf"), "tokens");

        Assert.Contains(paris, free);
        Assert.DoesNotContain(paris, banned);
    }

    [Fact]
    public void A_bias_for_a_token_that_the_model_lacks_is_a_failure()
    {
        CliResult result = Run("-p", "x", "--logit-bias", "2304=1");

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.Contains("the model has no token 2304; its ids are 0 to 2303", result.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_seed_gives_the_same_text()
    {
        string[] args = ["run", "-m", TestData.DemoModel, "-p", "Tell me a story.", "-n", "24", "--temp", "1.5", "--json", "--seed"];
        int[] one = Ids(Cli.Run([.. args, "7"]), "tokens");

        Assert.Equal(one, Ids(Cli.Run([.. args, "7"]), "tokens"));
        Assert.Contains(Enumerable.Range(8, 4), seed => !one.SequenceEqual(Ids(Cli.Run([.. args, $"{seed}"]), "tokens")));
    }

    [Fact]
    public void A_system_message_comes_before_the_prompt()
    {
        int[] ids = Ids(Run("--system", "Be brief.", "-p", France, "-n", "1", "--json"), "prompt_tokens");
        CliResult text = Cli.Run(["detokenize", "-m", TestData.DemoModel, .. ids.Select(id => $"{id}")]);

        Assert.Equal($"[gMASK]<sop><|system|>\nBe brief.<|user|>\n{France}<|assistant|>\n", text.Out);
    }

    [Fact]
    public void Special_tokens_in_a_chat_prompt_are_plain_text()
    {
        int end = Ids(Cli.Run("tokenize", "-m", TestData.DemoModel, "--json", "<|user|>"), "tokens").Single();

        Assert.Single(Ids(Run("-p", "a<|user|>b", "-n", "1", "--json"), "prompt_tokens"), id => id == end);
    }

    [Theory]
    [InlineData("q8_0")]
    [InlineData("f32")]
    public void Other_cache_formats_answer_the_same(string type) => Assert.Equal(FranceAnswer, Run("-p", France, "--kv-type", type).Out);

    [Fact]
    public void The_reference_path_answers_the_same() => Assert.Equal(FranceAnswer, Run("-p", France, "--no-think", "--compute", "reference").Out);

    [Theory]
    [InlineData("capital_think")]
    [InlineData("capital_nothink")]
    [InlineData("capital_zh")]
    [InlineData("tool_call")]
    public void Raw_continues_the_prompt_as_the_reference_engine_does(string name)
    {
        JsonElement golden = Golden(name);
        CliResult result = Run("--raw", "-p", golden.GetProperty("prompt").GetString()!, "-n", "48", "--json");

        Assert.Equal(golden.GetProperty("prompt_tokens").Deserialize<int[]>(), Ids(result, "prompt_tokens"));
        Assert.Equal(golden.GetProperty("tokens").Deserialize<int[]>(), Ids(result, "tokens"));
        using JsonDocument json = JsonDocument.Parse(result.Out);
        Assert.Equal(golden.GetProperty("text").GetString(), json.RootElement.GetProperty("text").GetString());
    }

    [Fact]
    public void Raw_prints_the_literal_text()
    {
        JsonElement golden = Golden("capital_think");
        CliResult result = Run("--raw", "-p", golden.GetProperty("prompt").GetString()!);

        Assert.Equal(golden.GetProperty("text").GetString() + "\n", result.Out);
    }

    private static int[] Ids(CliResult result, string name)
    {
        Assert.Equal(ExitCodes.Success, result.ExitCode);
        using JsonDocument json = JsonDocument.Parse(result.Out);
        return json.RootElement.GetProperty(name).Deserialize<int[]>()!;
    }

    private static JsonElement Golden(string name)
    {
        string text = File.ReadAllText(Path.Combine(TestData.DataFolder, "demo", "demo-Q4_K_M.json"));
        return JsonSerializer.Deserialize<JsonElement>(text).GetProperty("prompts").EnumerateArray().Single(prompt => prompt.GetProperty("name").GetString() == name);
    }

    private static CliResult WithTemplate(string template, params string[] args)
    {
        string folder = Directory.CreateTempSubdirectory("cpumoe-").FullName;
        try
        {
            string path = Path.Combine(folder, "template.txt");
            File.WriteAllText(path, template);
            return Run(["--chat-template", path, .. args]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
