using System.Text;
using System.Text.Json.Nodes;
using CpuMoe.Cli.Downloads;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Cli.Tests.Downloads;

/// <summary>Servers that lie, and names that mean nothing: one clear error, and no file under a final name.</summary>
public class PullFaultTests
{
    private const string File = "model-Q4_K_M.gguf";

    [Fact]
    public async Task A_wrong_hash_leaves_nothing()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.Add(File, 5 * PullFixture.Chunk);
        fixture.Hub.EditListing = listing => Lfs(listing)["sha256"] = new string('a', 64);

        Assert.Contains($"{File}: what arrived has the SHA-256", await fixture.FailAsync(), StringComparison.Ordinal);
        Assert.Empty(fixture.PartialFiles());
    }

    [Fact]
    public async Task Data_that_went_bad_since_the_break_are_found()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add(File, 8 * PullFixture.Chunk);
        fixture.Hub.OnTransfer = (context, number, _) =>
        {
            if (number > 4)
            {
                context.Abort();
            }

            return Task.FromResult(number > 4);
        };
        await fixture.FailAsync();
        string partial = Assert.Single(fixture.PartialFiles(), path => path.EndsWith(".partial", StringComparison.Ordinal));
        using (FileStream stream = new(partial, FileMode.Open))
        {
            stream.WriteByte((byte)~content[0]);
        }

        fixture.Hub.OnTransfer = (_, _, _) => Task.FromResult(false);
        Assert.Contains("SHA-256", await fixture.FailAsync(), StringComparison.Ordinal);
        Assert.Empty(fixture.PartialFiles());
        Assert.Equal(content, System.IO.File.ReadAllBytes(await fixture.PullAsync()));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("not json")]
    [InlineData("{\"sha256\":\"#\",\"bytes\":32768,\"completed\":[[0,99999999]]}")]
    [InlineData("{\"sha256\":\"#\",\"bytes\":32768,\"completed\":[[-5,5],null,[7]]}")]
    public async Task A_damaged_journal_is_worth_nothing(string journal)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        byte[] content = fixture.Hub.Add(File, 8 * PullFixture.Chunk);
        string partial = Path.Combine(fixture.Folder, "some", "model", "main", File + ".partial");
        Directory.CreateDirectory(Path.GetDirectoryName(partial)!);
        System.IO.File.WriteAllBytes(partial, new byte[content.Length]);
        System.IO.File.WriteAllText(
            RangeJournal.PathOf(partial), journal.Replace("#", Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content)), StringComparison.Ordinal));

        Assert.Equal(content, System.IO.File.ReadAllBytes(await fixture.PullAsync()));
    }

    [Theory]
    [InlineData("bytes 0-4095/999999", "has 999999 bytes")]
    [InlineData("bytes 1-4096/20480", "other bytes")]
    [InlineData("bytes 0-4095/20480", "other bytes")]
    [InlineData("", "other bytes")]
    public async Task Lies_about_the_range_are_seen(string contentRange, string expected)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.Add(File, 5 * PullFixture.Chunk);
        fixture.Hub.OnTransfer = async (context, _, part) =>
        {
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = contentRange;
            await context.Response.Body.WriteAsync(part);
            return true;
        };

        Assert.Contains(expected, await fixture.FailAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3 * PullFixture.Chunk)]
    [InlineData(7 * PullFixture.Chunk)]
    public async Task Another_size_than_listed_is_seen(int bytes)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.Add(File, 5 * PullFixture.Chunk);
        fixture.Hub.OnTransfer = async (context, _, _) =>
        {
            context.Response.ContentLength = bytes;
            await context.Response.Body.WriteAsync(new byte[bytes]);
            return true;
        };

        Assert.Contains($"the server has {bytes} bytes", await fixture.FailAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_always_breaks_at_the_same_place_is_given_up()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.Add(File, 5 * PullFixture.Chunk);
        fixture.Hub.OnTransfer = async (context, _, _) =>
        {
            // Without ranges it gets the same bytes again and again, which is no progress.
            context.Response.ContentLength = 5 * PullFixture.Chunk;
            await context.Response.Body.WriteAsync(new byte[PullFixture.Chunk * 2]);
            await context.Response.Body.FlushAsync();
            context.Abort();
            return true;
        };

        Assert.Contains("gave up", await fixture.FailAsync().WaitAsync(TimeSpan.FromSeconds(20)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_web_page_is_not_a_model(bool listing)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.Add(File, 5 * PullFixture.Chunk);
        fixture.Hub.OnHub = async context =>
        {
            bool page = context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal) == listing;
            if (page)
            {
                context.Response.ContentType = "text/html; charset=utf-8";
                await context.Response.WriteAsync("<html>Please log in.</html>");
            }

            return page;
        };

        Assert.Contains("web page", await fixture.FailAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../evil.gguf")]
    [InlineData("a/../../../evil.gguf")]
    [InlineData("/etc/evil.gguf")]
    [InlineData("..\\evil.gguf")]
    [InlineData("C:/evil.gguf")]
    [InlineData("a//evil.gguf")]
    [InlineData("evil/nul.gguf")]
    [InlineData("COM1 .evil.gguf")]
    [InlineData("a/./evil.gguf")]
    [InlineData("a\u001b[2Jevil.gguf")]
    [InlineData("a\u202eevil.gguf")]
    [InlineData("a\nevil.gguf")]
    public async Task File_names_cannot_leave_the_folder(string path)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.Add(path, 100);

        string message = await fixture.FailAsync();
        Assert.Contains("not usable: it names a file outside", message, StringComparison.Ordinal);
        Assert.DoesNotContain("evil", message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(fixture.Folder));
    }

    public static TheoryData<string, string> Listings => new()
    {
        { "not json at all", "not the JSON expected" },
        { "[1, 2]", "not the JSON expected" },
        { "null", "commit or files are missing" },
        { "{\"siblings\":[]}", "commit or files are missing" },
        { "{\"sha\":\"../..\",\"siblings\":[]}", "commit or files are missing" },
        { Listing("{\"rfilename\":\"a.gguf\",\"size\":5}"), "size or SHA-256 of a.gguf is missing" },
        { Listing("{\"rfilename\":\"a.gguf\",\"lfs\":{\"sha256\":\"zz\",\"size\":5}}"), "size or SHA-256 of a.gguf is missing" },
        { Listing(Entry("a.gguf", "-5")), "cannot be right" },
        { Listing(Entry("a.gguf", "0")), "cannot be right" },
        { Listing(Entry("a.gguf", "4611686018427387904")), "cannot be right" },
        { Listing(Entry("a.gguf", "1e300")), "not the JSON expected" },
        { Listing($"{Entry("a.gguf", "5")},{Entry("A.gguf", "5")}"), "occurs twice" },
        { Listing("null,{\"rfilename\":null},{\"rfilename\":\"a.txt\"}"), "no GGUF file" },
        { Listing(Entry("a-00001-of-00003.gguf", "5")), "does not hold all parts" },
        { Listing($"{Entry("a-00001-of-00002.gguf", "5")},{Entry("a-00003-of-00002.gguf", "5")}"), "does not hold all parts" },
        { Listing($"{Entry("a-00000-of-00002.gguf", "5")},{Entry("a-00001-of-00002.gguf", "5")}"), "does not hold all parts" },
        { Listing(Entry("a.gguf", "17000000000000")), "15.5 TiB more" },
    };

    [Theory]
    [MemberData(nameof(Listings))]
    public async Task Lists_of_files_are_not_trusted(string body, string expected)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.OnHub = async context =>
        {
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(body));
            return true;
        };

        Assert.Contains(expected, await fixture.FailAsync(), StringComparison.Ordinal);
        Assert.Empty(fixture.Hub.Transfers);
    }

    [Fact]
    public async Task A_list_without_end_is_cut_off()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.OnHub = async context =>
        {
            byte[] blanks = Encoding.UTF8.GetBytes(new string(' ', 1 << 20));
            for (int i = 0; i < 64 && !context.RequestAborted.IsCancellationRequested; i++)
            {
                await context.Response.Body.WriteAsync(blanks);
            }

            return true;
        };

        Assert.Contains("larger than 32 MiB", await fixture.FailAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, true, "may not read it")]
    [InlineData(401, false, "HF_TOKEN")]
    [InlineData(403, true, "conditions must be accepted")]
    [InlineData(404, true, "check the name and the revision")]
    [InlineData(418, true, "answered 418")]
    [InlineData(500, true, "gave up after 3 attempts")]
    public async Task Refusals_say_what_to_do(int status, bool token, string expected)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.OnHub = context =>
        {
            context.Response.StatusCode = status;
            return Task.FromResult(true);
        };

        Assert.Contains(expected, await fixture.FailAsync(settings: fixture.Settings with { Token = token ? "t" : null }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wait_of_hours_is_not_obeyed()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.OnHub = context =>
        {
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            context.Response.Headers.RetryAfter = "7200";
            return Task.FromResult(true);
        };

        Assert.Contains("asks to wait for 120 minutes", await fixture.FailAsync().WaitAsync(TimeSpan.FromSeconds(20)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/elsewhere", "in circles")]
    [InlineData("file:///etc/passwd", "to an address that is none")]
    [InlineData("", "to an address that is none")]
    public async Task Redirects_must_lead_somewhere(string target, string expected)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.OnHub = context =>
        {
            context.Response.StatusCode = StatusCodes.Status302Found;
            context.Response.Headers.Location = target;
            return Task.FromResult(true);
        };

        Assert.Contains(expected, await fixture.FailAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_told()
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        PullSettings settings = fixture.Settings with { Endpoint = "http://127.0.0.1:1" };

        Assert.Contains("no connection to 127.0.0.1", await fixture.FailAsync(settings: settings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hf:some/model", "choose from Q2_K (100 B), Q8_0 (300 B), UD-Q3_K_XL (200 B)")]
    [InlineData("hf:some/model:Q5_K_M", "has nothing like Q5_K_M; it has Q2_K (100 B), Q8_0 (300 B)")]
    [InlineData("hf:some/model/none.gguf", "holds no file none.gguf; it has hf:some/model/m-Q2_K.gguf (100 B)")]
    [InlineData("hf:some/model:m", "means several models; name one of the files: hf:some/model/m-Q2_K.gguf")]
    [InlineData("hf:some/other", "hf:some/other: not found")]
    public async Task Names_that_mean_no_model_tell_what_there_is(string name, string expected)
    {
        await using PullFixture fixture = await PullFixture.CreateAsync();
        fixture.Hub.Add("m-Q2_K.gguf", 100);
        fixture.Hub.Add("m-Q8_0.gguf", 300);
        fixture.Hub.Add("m-UD-Q3_K_XL.gguf", 200);
        fixture.Hub.Add("mmproj-F16.gguf", 50);

        Assert.Contains(expected, await fixture.FailAsync(name), StringComparison.Ordinal);
    }

    private static JsonNode Lfs(JsonObject listing) => listing["siblings"]![1]!["lfs"]!;

    private static string Listing(string entries) => $"{{\"sha\":\"{FakeHub.Commit}\",\"siblings\":[{entries}]}}";

    private static string Entry(string path, string bytes) => $"{{\"rfilename\":\"{path}\",\"lfs\":{{\"sha256\":\"{new string('a', 64)}\",\"size\":{bytes}}}}}";
}
