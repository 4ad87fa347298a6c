using System.Text.Json;
using CpuMoe.Cli.Downloads;
using CpuMoe.Testing;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Cli.Tests.Downloads;

/// <summary>The commands <c>pull</c>, <c>list</c>, <c>rm</c> and names after <c>-m</c>, in processes of their own where the environment matters.</summary>
public class PullCommandTests
{
    private const string Name = "hf:some/model:Q4_K_M";

    [Fact]
    public async Task A_model_is_pulled_listed_used_and_removed()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.Files["demo-Q4_K_M.gguf"] = await File.ReadAllBytesAsync(TestData.DemoModel);
        CliResult pull = await RunAsync(fixture, "pull", Name);
        string path = pull.Out.TrimEnd();

        Assert.Equal((ExitCodes.Success, "cpumoe: demo-Q4_K_M.gguf: 1 file, 10.2 MiB"), (pull.ExitCode, pull.ErrorLine));
        Assert.StartsWith(Path.Combine(fixture.Folder, "models"), path, StringComparison.Ordinal);
        Assert.All(fixture.Hub.Requests, request => Assert.Equal(request.Host.StartsWith("localhost", StringComparison.Ordinal) ? "" : "Bearer hf_secret", request.Authorization));

        Task<CliResult> list = RunAsync(fixture, "list"), json = RunAsync(fixture, "list", "--json"), tokens = RunAsync(fixture, "tokenize", "-m", Name, "Hello");
        Assert.Matches($@"^name +size +quant +pulled\n{Name} +10\.2 MiB +Q4_K_M +\d{{4}}-\d\d-\d\d \d\d:\d\d\n$", (await list).Out.ReplaceLineEndings("\n"));
        JsonElement model = JsonSerializer.Deserialize<JsonElement>((await json).Out).GetProperty("models")[0];
        Assert.Equal(Name, model.GetProperty("name").GetString());
        Assert.Equal(new FileInfo(TestData.DemoModel).Length, model.GetProperty("bytes").GetInt64());
        Assert.True(model.GetProperty("complete").GetBoolean());
        Assert.Equal(path, model.GetProperty("files")[0].GetString());
        Assert.Equal(Cli.Run("tokenize", "-m", TestData.DemoModel, "Hello").Out, (await tokens).Out);

        CliResult rm = await RunAsync(fixture, "rm", Name);
        Assert.Equal((ExitCodes.Success, ""), (rm.ExitCode, rm.Out));
        Assert.Empty(fixture.FinalFiles());
        Assert.False(Directory.Exists(Path.Combine(fixture.Folder, "models", "some")));
    }

    [Fact]
    public async Task A_proxy_is_used()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add("m.gguf", 1000);
        using ChildProcess child = new(
            new Dictionary<string, string> { ["HF_ENDPOINT"] = "http://hub.invalid", ["http_proxy"] = fixture.Hub.Address, ["no_proxy"] = "localhost", [CacheFolder.Variable] = fixture.Folder },
            "pull", "hf:some/model");
        CliResult result = await child.FinishAsync();

        Assert.Equal("", result.Error.Replace("cpumoe: m.gguf: 1 file, 1000 B\n", "", StringComparison.Ordinal));
        Assert.Equal(content, await File.ReadAllBytesAsync(result.Out.TrimEnd()));
        Assert.Contains(fixture.Hub.Requests, request => request.Host == "hub.invalid");
    }

    [Fact]
    public async Task Two_processes_do_not_meet()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add("m.gguf", 5_000_000);
        TaskCompletionSource begun = new(), go = new();
        fixture.Hub.OnTransfer = async (_, _, _) =>
        {
            begun.TrySetResult();
            await go.Task;
            return false;
        };
        Task<CliResult> first = RunAsync(fixture, "pull", "hf:some/model");
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30));
        CliResult second = await RunAsync(fixture, "pull", "hf:some/model"), removal = await RunAsync(fixture, "rm", "hf:some/model");
        go.SetResult();
        CliResult result = await first;

        Assert.Equal((ExitCodes.Failure, ExitCodes.Failure, ExitCodes.Success), (second.ExitCode, removal.ExitCode, result.ExitCode));
        Assert.Contains("being pulled or removed by another process", second.Error, StringComparison.Ordinal);
        Assert.Contains("being pulled or removed by another process", removal.ErrorLine, StringComparison.Ordinal);
        Assert.Equal(content, await File.ReadAllBytesAsync(result.Out.TrimEnd()));
    }

    [Fact]
    public async Task An_interrupt_keeps_what_has_arrived()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs POSIX signals.");
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.Add("m.gguf", 5_000_000);
        TaskCompletionSource begun = new();
        fixture.Hub.OnTransfer = async (context, _, part) =>
        {
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = $"bytes {part.Offset}-{part.Offset + part.Count - 1}/{part.Array!.Length}";
            await context.Response.Body.WriteAsync(part[..1_000_000]);
            await context.Response.Body.FlushAsync();
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        };
        using ChildProcess child = new(Variables(fixture), "pull", "hf:some/model");
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30));
        child.Interrupt();
        CliResult result = await child.FinishAsync();

        Assert.Equal((ExitCodes.Interrupted, ""), (result.ExitCode, result.Out));
        Assert.EndsWith("cpumoe: stopped; the same command goes on from here\n", result.Error, StringComparison.Ordinal);
        Assert.Contains("not finished", (await RunAsync(fixture, "list")).Out, StringComparison.Ordinal);
        CliResult use = await RunAsync(fixture, "inspect", "hf:some/model");
        Assert.Equal("cpumoe: hf:some/model was not pulled to its end; get it with: cpumoe pull hf:some/model", use.ErrorLine);
        Assert.Equal(ExitCodes.Success, (await RunAsync(fixture, "rm", "hf:some/model")).ExitCode);
        Assert.Empty(fixture.PartialFiles());
    }

    [Fact]
    public void A_model_that_is_not_there_is_not_pulled_by_the_way()
    {
        foreach (string[] args in (string[][])[["run", "-p", "x", "-m"], ["chat", "-m"], ["inspect"], ["tokenize", "x", "-m"], ["bench", "-m"]])
        {
            CliResult result = Cli.Run([.. args, "hf:no/where:Q4_K_M"]);
            Assert.Equal(ExitCodes.Failure, result.ExitCode);
            Assert.Equal("cpumoe: hf:no/where:Q4_K_M is not on this machine; get it with: cpumoe pull hf:no/where:Q4_K_M", result.ErrorLine);
        }
    }

    [Fact]
    public void Other_quantisations_that_are_there_are_told()
    {
        Put("told", "m-Q2_K.gguf");
        Put("told", "m-Q8_0.gguf");

        Assert.Contains("(here are hf:told/model:Q2_K, hf:told/model:Q8_0)", Cli.Run("inspect", "hf:told/model:Q4_K_M").ErrorLine, StringComparison.Ordinal);
        Assert.Contains("means several models here", Cli.Run("rm", "hf:told/model").ErrorLine, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("n\n", false)]
    [InlineData("", false)]
    [InlineData("y\n", true)]
    public void Rm_asks_on_a_terminal(string answer, bool removed)
    {
        string path = Put("asked", "m-Q2_K.gguf");
        CliResult result = Cli.RunOnTerminal(false, answer, "rm", "hf:asked/model:q2_k");

        Assert.StartsWith("remove hf:asked/model/m-Q2_K.gguf (1 file, 5 B)? [y/N] ", result.Error, StringComparison.Ordinal);
        Assert.Equal(removed, !File.Exists(path));
        Assert.Equal(removed ? ExitCodes.Success : ExitCodes.Failure, result.ExitCode);
    }

    [Fact]
    public void Rm_does_not_ask_where_told_so()
    {
        string path = Put("sure", "m-Q2_K.gguf");
        CliResult result = Cli.RunOnTerminal(false, "", "rm", "hf:sure/model", "--yes");

        Assert.Equal((ExitCodes.Success, "cpumoe: removed hf:sure/model/m-Q2_K.gguf (1 file, 5 B)"), (result.ExitCode, result.ErrorLine));
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void Files_that_went_missing_are_noticed()
    {
        File.Delete(Put("gone", "m-Q2_K.gguf"));

        Assert.Contains("get them again with: cpumoe pull hf:gone/model/m-Q2_K.gguf", Cli.Run("inspect", "hf:gone/model").ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_cannot_name_files_elsewhere()
    {
        string path = Put("forged", "m-Q2_K.gguf") + ".json";
        string victim = Path.Combine(TestCache.Models, "forged", "victim.gguf");
        File.WriteAllText(victim, "x");
        foreach (string name in (string[])["../../victim.gguf", "other-Q2_K.gguf"])
        {
            File.WriteAllText(path, File.ReadAllText(path).Replace("m-Q2_K.gguf", name, StringComparison.Ordinal));
            Assert.Contains("is not on this machine", Cli.Run("rm", "hf:forged/model", "--yes").ErrorLine, StringComparison.Ordinal);
            Assert.True(File.Exists(victim));
        }
    }

    private static string Put(string owner, string file)
    {
        ModelStore store = new(TestCache.Models);
        PulledModel model = new(owner, "model", "main", FakeHub.Commit, DateTimeOffset.UnixEpoch, Complete: true, [new RepositoryFile(file, 5, new string('a', 64))]);
        store.Write(model);
        string path = store.PathOf(model.Reference, model.Files[0]);
        File.WriteAllText(path, "12345");
        return path;
    }

    private static Dictionary<string, string> Variables(PullFixture fixture) =>
        new() { ["HF_ENDPOINT"] = fixture.Hub.Address + "/", ["HF_TOKEN"] = "hf_secret", [CacheFolder.Variable] = fixture.Folder, ["no_proxy"] = "*" };

    private static async Task<CliResult> RunAsync(PullFixture fixture, params string[] args)
    {
        using ChildProcess child = new(Variables(fixture), args);
        return await Task.Run(child.FinishAsync); // it waits for the end without giving its thread back
    }
}
