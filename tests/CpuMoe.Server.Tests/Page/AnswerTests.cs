using System.Text.Json.Nodes;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CpuMoe.Server.Tests.Page;

/// <summary>How the chat page shows answers whose every byte the test chooses.</summary>
[Collection(PageBrowserGroup.Name)]
public class AnswerTests(ServerFixture fixture, PageBrowser browser)
{
    [Fact]
    public Task A_thought_is_open_while_it_grows_and_folds_for_the_answer() => UseAsync(async window =>
    {
        ILocator thought = window.Answer.Locator("details.thought"), text = thought.Locator(".thought-text");
        await window.AskAsync("Why?");
        await Expect(window.Answer.Locator(".status")).ToContainTextAsync("Reading the prompt");
        await window.FeedAsync("""{"role":"assistant","content":""}""", """{"reasoning_content":"First, "}""");
        await Expect(text).ToHaveTextAsync("First,");
        Assert.NotNull(await thought.GetAttributeAsync("open"));
        await Expect(thought.Locator("summary")).ToHaveTextAsync("Thinking");
        await window.FeedAsync("""{"reasoning_content":"then."}""");
        await Expect(text).ToHaveTextAsync("First, then.");
        await window.FeedTextAsync("Because.");
        await Expect(window.AnswerText).ToHaveTextAsync("Because.");
        Assert.Null(await thought.GetAttributeAsync("open"));
        await thought.Locator("summary").ClickAsync();
        await window.FeedTextAsync(" Really.");
        await window.FinishAsync();
        Assert.NotNull(await thought.GetAttributeAsync("open"));
        await Expect(window.Answer.Locator(".statistics")).ToContainTextAsync("7 tokens · 12.3 tokens/s · prompt 40 (30 cached)");
        await Expect(window.Page.Locator("#announcer")).ToContainTextAsync("Because. Really.");
    });

    [Fact]
    public Task A_stream_may_be_cut_anywhere() => UseAsync(async window =>
    {
        const string Stream = ": keep-alive\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüße, 世界 🙂\"},\"finish_reason\":null}]}\r\n\r\n";
        await window.AskAsync("Hello");
        await window.Page.EvaluateAsync("text => { for (const byte of new TextEncoder().encode(text)) { window.model.enqueue(Uint8Array.of(byte)); } }", Stream);
        await Expect(window.AnswerText).ToHaveTextAsync("Grüße, 世界 🙂");
        await window.FinishAsync();
    });

    [Theory]
    [InlineData("data: {\"error\":{\"message\":\"The server is shutting down.\"}}\n\n", "The server is shutting down.")]
    [InlineData("", "The connection ended before the answer did.")]
    public Task What_goes_wrong_in_a_stream_is_told(string end, string notice) => UseAsync(async window =>
    {
        await window.AskAsync("Hello");
        await window.FeedTextAsync("Half an");
        await window.WriteAsync(end);
        await window.CutAsync();
        await window.WaitForEndAsync();
        await Expect(window.Answer.Locator("[role=alert]")).ToHaveTextAsync(notice);
        await Expect(window.AnswerText).ToHaveTextAsync("Half an");
        await window.Answer.GetByText("Try again").ClickAsync();
        await window.FeedTextAsync("A whole answer.");
        await window.FinishAsync();
        await Expect(window.AnswerText).ToHaveTextAsync("A whole answer.");
        Assert.Single((await window.LastRequestAsync())["messages"]!.AsArray());
    });

    [Fact]
    public Task Refusals_are_told_in_the_words_of_the_server() => browser.UseAsync(fixture.Server, async window =>
    {
        // Of the real server: a tool without a name of a known kind cannot be accepted.
        await window.AskAsync("Hello");
        await window.WaitForEndAsync();
        await Expect(window.Answer.Locator("[role=alert]")).ToContainTextAsync("tools[0]");
        await window.Page.RouteAsync("**/v1/chat/completions", route => route.FulfillAsync(new RouteFulfillOptions
        {
            Status = 429,
            Headers = new Dictionary<string, string> { ["Retry-After"] = "5" },
            Body = """{"error":{"message":"Too many."}}""",
        }));
        await window.Answer.GetByText("Try again").ClickAsync();
        await Expect(window.Answer.Locator("[role=alert]")).ToHaveTextAsync("Too many. (Wait 5 s.)");
        await window.Page.UnrouteAllAsync();
        await window.Page.RouteAsync("**/v1/chat/completions", route => route.FulfillAsync(new RouteFulfillOptions { Status = 502, Body = "<h1>Bad gateway</h1>" }));
        await window.Answer.GetByText("Try again").ClickAsync();
        await Expect(window.Answer.Locator("[role=alert]")).ToHaveTextAsync("The server answered with status 502.");
        await window.Page.UnrouteAllAsync();
        await window.Page.RouteAsync("**/v1/chat/completions", route => route.AbortAsync());
        await window.Answer.GetByText("Try again").ClickAsync();
        await Expect(window.Answer.Locator("[role=alert]")).ToContainTextAsync("cannot be reached");
        Assert.All(window.Faults, fault => Assert.StartsWith("Failed to load resource", fault, StringComparison.Ordinal));
        window.Faults.Clear();
    }, settings: """{"tools":"[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":5}}]"}""");

    [Fact]
    public Task Calls_are_shown_and_several_results_sent_together() => UseAsync(async window =>
    {
        const string First = """{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"write_file","arguments":""}}]}""";
        const string Second = """{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"list","arguments":"{}"}}]}""";
        await window.AskAsync("Do it");
        await window.FeedAsync(First, """{"tool_calls":[{"index":0,"function":{"arguments":"{\"text\":\"one\\ntw"}}]}""");
        await Expect(window.Answer.Locator(".call pre")).ToContainTextAsync("tw");
        await window.FeedAsync("""{"tool_calls":[{"index":0,"function":{"arguments":"o\",\"count\":2}"}}]}""", Second);
        await window.FinishAsync("tool_calls");

        await Expect(window.Answer.Locator("dt")).ToHaveTextAsync(["text", "count"]);
        Assert.Equal("one\ntwo", await window.Answer.Locator("dd pre").First.InnerTextAsync());
        await Expect(window.Answer.Locator(".call").Last).ToContainTextAsync("No arguments.");
        await window.Answer.Locator(".results textarea").First.FillAsync("done");
        await window.Answer.Locator(".results textarea").Last.FillAsync("a.txt");
        await window.Answer.GetByText("Send the results").ClickAsync();
        JsonNode[] messages = [.. (await window.LastRequestAsync())["messages"]!.AsArray().Select(message => message!)];
        Assert.Equal([("a", "done"), ("b", "a.txt")], messages[^2..].Select(message => ((string)message["tool_call_id"]!, (string)message["content"]!)));
        await window.FeedTextAsync("Done.");
        await window.FinishAsync();
        await Expect(window.Page.Locator(".results")).ToHaveCountAsync(0);
    });

    [Fact]
    public Task A_call_that_turns_out_to_be_none_disappears() => UseAsync(async window =>
    {
        await window.AskAsync("Do it");
        await window.FeedAsync("""{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":"}}]}""");
        await Expect(window.Answer.Locator(".call")).ToHaveCountAsync(1);
        await window.FeedTextAsync("f {x:");
        await window.FinishAsync();
        await Expect(window.Answer.Locator(".call")).ToHaveCountAsync(0);
        await Expect(window.AnswerText).ToHaveTextAsync("f {x:");
        await window.AskAsync("Again");
        Assert.DoesNotContain("tool_calls", (await window.LastRequestAsync()).ToJsonString(), StringComparison.Ordinal);
        await window.FinishAsync();
    });

    [Fact]
    public Task Text_of_strangers_stays_text() => UseAsync(async window =>
    {
        const string Hostile = """<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>""";
        string text = $"{Hostile}\n\n[a](javascript:window.hacked=1) [b](data:text/html,x) [c](vbscript:x) [d](//example.org) ![e](https://example.org/e.png)\n\n"
            + $"```\"><img/onerror=1>\n{Hostile}\n```\n\n| {Hostile} | b |\n|---|---|\n| `{Hostile}` | **{Hostile}** |\n\n> - {Hostile}";
        string Json(string name, string value) => new JsonObject { [name] = value }.ToJsonString();
        string call = new JsonObject
        {
            ["tool_calls"] = new JsonArray(new JsonObject
            {
                ["index"] = 0,
                ["id"] = Hostile,
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = Hostile, ["arguments"] = new JsonObject { [Hostile] = Hostile, ["__proto__"] = Hostile }.ToJsonString() },
            }),
        }.ToJsonString();
        await window.AskAndFeedAsync(Hostile, Json("reasoning_content", Hostile), Json("content", text), call);
        await window.Page.EvaluateAsync("() => { for (const details of document.querySelectorAll('details')) { details.open = true; } }");

        Assert.Null(await window.Page.EvaluateAsync<int?>("() => window.hacked ?? null"));
        await Expect(window.Page.Locator("#messages :is(img, script, iframe, object, embed, style)")).ToHaveCountAsync(0);
        string[] links = await window.Page.Locator("#messages a").EvaluateAllAsync<string[]>("links => links.map(link => `${link.href} ${link.target} ${link.rel}`)");
        Assert.Equal("https://example.org/e.png _blank noopener noreferrer nofollow", Assert.Single(links));
        foreach (string place in (string[])[".question .text", ".thought-text", ".answer > .text > p >> nth=0", ".code-block code", "th >> nth=0", "td code", "td strong", "blockquote li", ".call h3 code", ".call dt >> nth=0", ".call dd >> nth=0"])
        {
            await Expect(window.Page.Locator(place)).ToContainTextAsync(Hostile);
        }
    });

    private Task UseAsync(Func<ChatWindow, Task> test) => browser.UseAsync(fixture.Server, test, isFake: true);
}
