using System.Text.Json.Nodes;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CpuMoe.Server.Tests.Page;

/// <summary>Conversations on the chat page with the bundled model.</summary>
[Collection(PageBrowserGroup.Name)]
public class ConversationTests(ServerFixture fixture, PageBrowser browser)
{
    private const string Greedy = """{"temperature":"0","thinking":"on"}""";

    [Fact]
    public Task A_question_is_answered_and_the_thought_is_folded() => browser.UseAsync(fixture.Server, async window =>
    {
        await Expect(window.Page.Locator("#model")).ToHaveTextAsync("demo-Q4_K_M");
        await window.AskAsync("What is the capital of France?");
        await window.WaitForEndAsync();

        await Expect(window.AnswerText).ToHaveTextAsync("The capital of France is Paris.");
        ILocator thought = window.Answer.Locator("details.thought");
        await Expect(thought.Locator("summary")).ToContainTextAsync("Thought for");
        Assert.Null(await thought.GetAttributeAsync("open"));
        await thought.Locator("summary").ClickAsync();
        await Expect(thought.Locator(".thought-text")).ToBeVisibleAsync();
        Assert.NotEqual("", await thought.Locator(".thought-text").InnerTextAsync());
        await Expect(window.Answer.Locator(".statistics")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex(@"^\d+ tokens · [\d.]+ tokens/s · prompt \d+( \(\d+ cached\))? · "));
        await Expect(window.Page.Locator("#context")).ToContainTextAsync("%");
        await Expect(window.Page.Locator("#announcer")).ToContainTextAsync("The capital of France is Paris.");

        // The next question knows the first.
        await window.AskAsync("What is the capital of Japan?");
        await window.WaitForEndAsync();
        await Expect(window.AnswerText).ToHaveTextAsync("The capital of Japan is Tokyo.");
        await Expect(window.Page.Locator(".answer")).ToHaveCountAsync(2);
        await Expect(window.Page.Locator(".regenerate:visible")).ToHaveCountAsync(1);
    }, settings: Greedy);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Text_streams_and_stopping_stops_the_server(bool byKey)
    {
        await using RunningServer server = await fixture.StartAsync(queue: 16);
        await browser.UseAsync(server, async window =>
        {
            await window.AskAsync("Tell me a story.");
            await Expect(window.AnswerText).Not.ToBeEmptyAsync();
            await Expect(window.AnswerText).Not.ToHaveTextAsync(await window.AnswerText.InnerTextAsync());
            Assert.Equal(1, server.Scheduler.Statistics.Running);
            await Expect(window.Answer.Locator(".status")).ToContainTextAsync("Writing");
            await (byKey ? window.Page.Keyboard.PressAsync("Escape") : window.Stop.ClickAsync());
            await window.WaitForEndAsync();
            await Expect(window.Answer.Locator(".remark")).ToHaveTextAsync("Stopped.");
            Assert.Equal("question", await window.FocusAsync());
        }, settings: """{"temperature":"0","thinking":"off"}""", prepare: NeverEndAsync);
        await server.WaitUntilIdleAsync();
        Assert.True(server.Scheduler.Statistics.Cancelled > 0);
    }

    [Fact]
    public async Task A_new_chat_and_a_closed_page_stop_the_server_too()
    {
        await using RunningServer server = await fixture.StartAsync(queue: 16);
        await browser.UseAsync(server, async window =>
        {
            await window.AskAsync("Tell me a story.");
            await Expect(window.AnswerText).Not.ToBeEmptyAsync();
            await window.Page.Locator("#new-chat").ClickAsync();
            await Expect(window.Page.Locator(".message")).ToHaveCountAsync(0);
            await server.WaitUntilIdleAsync();

            await window.AskAsync("Tell me another story.");
            await Expect(window.AnswerText).Not.ToBeEmptyAsync();
            await window.Page.ReloadAsync();
            await server.WaitUntilIdleAsync();

            // What was said is still there.
            await Expect(window.Page.Locator(".question .text")).ToHaveTextAsync("Tell me another story.");
            await Expect(window.AnswerText).Not.ToBeEmptyAsync();
            await window.WaitForEndAsync();
            await Expect(window.Answer.Locator(".regenerate")).ToBeVisibleAsync();
        }, settings: """{"temperature":"0","thinking":"off"}""", prepare: NeverEndAsync);
        Assert.True(server.Scheduler.Statistics.Cancelled > 1);
    }

    [Fact]
    public Task Messages_are_changed_and_answers_made_again() => browser.UseAsync(fixture.Server, async window =>
    {
        await window.AskAsync("What is the capital of France?");
        await window.WaitForEndAsync();
        await window.Answer.GetByText("Regenerate").ClickAsync();
        await window.WaitForEndAsync();
        await Expect(window.Page.Locator(".answer")).ToHaveCountAsync(1);
        await Expect(window.AnswerText).ToHaveTextAsync("The capital of France is Paris.");

        await window.Page.Locator(".question").GetByText("Edit").ClickAsync();
        await window.Page.Keyboard.PressAsync("Escape");
        await Expect(window.Page.Locator(".question .text")).ToHaveTextAsync("What is the capital of France?");
        await window.Page.Locator(".question").GetByText("Edit").ClickAsync();
        await window.Page.Keyboard.PressAsync("ControlOrMeta+A");
        await window.Page.Keyboard.TypeAsync("What is the capital of Japan?");
        await window.Page.Keyboard.PressAsync("Enter");
        await Expect(window.AnswerText).ToHaveTextAsync("The capital of Japan is Tokyo.");
        await window.WaitForEndAsync();
        await Expect(window.Page.Locator(".question .text")).ToHaveTextAsync("What is the capital of Japan?");
    }, settings: Greedy);

    [Fact]
    public async Task A_key_is_asked_for_once_and_kept_for_the_tab()
    {
        await using RunningServer server = await fixture.StartAsync(options => options.ApiKeys.Add("secret"));
        await browser.UseAsync(server, async window =>
        {
            ILocator dialog = window.Page.Locator("#key-dialog"), key = window.Page.Locator("#key"), text = window.Page.Locator("#key-text");
            await Expect(dialog).ToBeVisibleAsync();
            await Expect(text).ToHaveTextAsync("This server asks for an API key.");
            await key.FillAsync("wrong");
            await key.PressAsync("Enter");
            await Expect(text).ToHaveTextAsync("The server does not accept this key.");
            await Expect(dialog).ToBeVisibleAsync();

            // Without a key the question stays, and is answered once there is one.
            await window.Page.Keyboard.PressAsync("Escape");
            await Expect(dialog).ToBeHiddenAsync();
            await window.AskAsync("What is the capital of France?");
            await Expect(window.Answer.Locator(".notice")).ToContainTextAsync("API key");
            await Expect(dialog).ToBeVisibleAsync();
            await key.FillAsync("secret");
            await key.PressAsync("Enter");
            await Expect(window.AnswerText).ToHaveTextAsync("The capital of France is Paris.");
            await Expect(window.Page.Locator("#model")).ToHaveTextAsync("demo-Q4_K_M");
            Assert.Equal("secret", await window.Page.EvaluateAsync<string>("() => sessionStorage['cpumoe.key']"));
            Assert.DoesNotContain("secret", await window.Page.EvaluateAsync<string>("() => JSON.stringify(localStorage)"), StringComparison.Ordinal);

            await window.Page.ReloadAsync();
            await Expect(window.Page.Locator("#model")).ToHaveTextAsync("demo-Q4_K_M");
            await Expect(dialog).ToBeHiddenAsync();
            Assert.All(window.Faults, fault => Assert.Contains("401", fault, StringComparison.Ordinal));
            window.Faults.Clear();
        }, settings: Greedy);
    }

    [Fact]
    public Task Results_of_calls_go_back_to_the_model() => browser.UseAsync(fixture.Server, async window =>
    {
        await window.AskAsync("What is the weather in Oslo?");
        await Expect(window.Answer.Locator(".call h3 code")).ToHaveTextAsync("get_weather");
        await Expect(window.Answer.Locator(".call dt")).ToHaveTextAsync("city");
        await window.WaitForEndAsync();
        await window.Answer.Locator(".results textarea").FillAsync("""{"temperature": 4}""");
        IRequest sent = await window.Page.RunAndWaitForRequestAsync(() => window.Answer.Locator(".results button").ClickAsync(), "**/v1/chat/completions");
        JsonArray messages = JsonNode.Parse(sent.PostData!)!["messages"]!.AsArray();

        Assert.Equal(["system", "user", "assistant", "tool"], messages.Select(message => (string)message!["role"]!));
        Assert.Equal("Be brief.", (string)messages[0]!["content"]!);
        Assert.Equal((string)messages[2]!["tool_calls"]![0]!["id"]!, (string)messages[3]!["tool_call_id"]!);
        Assert.Equal("""{"temperature": 4}""", (string)messages[3]!["content"]!);
        await Expect(window.Page.Locator(".answer")).ToHaveCountAsync(2);
        await window.WaitForEndAsync();
        await Expect(window.Page.Locator(".notice")).ToHaveCountAsync(0);
        await Expect(window.Page.Locator(".answer").First.Locator(".result")).ToHaveCountAsync(1);
    }, settings: new JsonObject { ["temperature"] = "0", ["thinking"] = "off", ["maxTokens"] = "200", ["system"] = "Be brief.", ["tools"] = $"[{Requests.WeatherTool}]" }.ToJsonString(),
        prepare: page => ChangeAsync(page, body =>
        {
            // The first answer is a call, whatever the small model makes of the question.
            if (body["messages"]!.AsArray().Count == 2)
            {
                body["tool_choice"] = "required";
                body["parallel_tool_calls"] = false;
            }
        }));

    // The context ends the reply of a small model soon: so there are several, on the only slot.
    private Task NeverEndAsync(IPage page) => ChangeAsync(page, body =>
    {
        body["logit_bias"] = fixture.NeverEnd;
        body["n"] = 8;
    });

    private static async Task ChangeAsync(IPage page, Action<JsonObject> change) => await page.RouteAsync("**/v1/chat/completions", route =>
    {
        JsonObject body = JsonNode.Parse(route.Request.PostData!)!.AsObject();
        change(body);
        return route.ContinueAsync(new RouteContinueOptions { PostData = System.Text.Encoding.UTF8.GetBytes(body.ToJsonString()) });
    });
}
