using System.Text.Json.Nodes;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CpuMoe.Server.Tests.Page;

/// <summary>The chat page for those who use it with the keyboard, on a phone, in the dark, and with their own settings.</summary>
[Collection(PageBrowserGroup.Name)]
public class PageUseTests(ServerFixture fixture, PageBrowser browser)
{
    private const string Rich = """
        ## A title

        Text with `code`, a [link](https://example.org) and averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongword.

        ```python
        print("a line of code that is much wider than the screen of any phone, however it is held, and so must scroll")
        ```

        | one | two | three | four | five | six |
        |---|---|---|---|---|---|
        | a long cell | a long cell | a long cell | a long cell | a long cell | a long cell |

        > A quotation
        """;

    private const string Call = """{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Oslo\",\"averyverylongnameofanargumentaveryverylongname\":[1,2]}"}}]}""";

    // Texts on what is behind them: WCAG 2 asks for 4.5.
    private const string LowContrasts = """
        () => {
          const channels = colour => { const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number); return { rgb: [r, g, b], a }; };
          const over = (top, below) => top.rgb.map((value, i) => value * top.a + below[i] * (1 - top.a));
          const behind = node => {
            if (node === null) { return [255, 255, 255]; }
            const own = channels(getComputedStyle(node).backgroundColor);
            return own.a === 1 ? own.rgb : over(own, behind(node.parentElement));
          };
          const light = rgb => rgb.map(value => value / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const low = [];
          for (const node of document.querySelectorAll("body *")) {
            const hasText = [...node.childNodes].some(child => child.nodeType === Node.TEXT_NODE && child.data.trim() !== "") || node.placeholder;
            if (!hasText || !node.checkVisibility() || node.disabled || node.closest("noscript")) { continue; }
            const ground = behind(node);
            const text = over(channels(getComputedStyle(node, node.placeholder && !node.value ? "::placeholder" : null).color), ground);
            const [a, b] = [light(text), light(ground)].sort((x, y) => y - x);
            if ((a + 0.05) / (b + 0.05) < 4.5) { low.push(`${node.tagName}.${node.className}: ${((a + 0.05) / (b + 0.05)).toFixed(2)}`); }
          }
          return low;
        }
        """;

    [Fact]
    public Task The_keyboard_is_enough() => UseAsync(async window =>
    {
        IKeyboard keys = window.Page.Keyboard;
        Assert.Equal("question", await window.FocusAsync());
        await keys.TypeAsync("First line");
        await keys.PressAsync("Shift+Enter");
        await keys.TypeAsync("second line");
        await keys.PressAsync("Enter");
        Assert.Equal("First line\nsecond line", (string)(await window.LastRequestAsync())["messages"]![0]!["content"]!);
        Assert.Equal("question", await window.FocusAsync());
        await keys.PressAsync("Tab");
        Assert.Equal("stop", await window.FocusAsync());
        await window.FeedTextAsync("An answer");
        await keys.PressAsync("Enter");
        await window.WaitForEndAsync();
        await Expect(window.Answer.Locator(".remark")).ToHaveTextAsync("Stopped.");
        Assert.Equal("question", await window.FocusAsync());

        // Backwards through everything, in the order in which it is seen; each shows its focus.
        List<string> order = [];
        for (int i = 0; i < 8; i++)
        {
            await keys.PressAsync("Shift+Tab");
            order.Add(await window.FocusAsync());
            Assert.NotEqual("none", await window.Page.EvaluateAsync<string>("() => getComputedStyle(document.activeElement).outlineStyle"));
        }

        Assert.Equal(["Regenerate", "Copy", "Edit", "scroller", "theme", "open-settings", "new-chat", "Skip to the message box"], order);
        await keys.PressAsync("Enter");
        Assert.Equal("question", await window.FocusAsync());
    });

    [Fact]
    public Task Settings_are_kept_and_sent() => UseAsync(async window =>
    {
        IKeyboard keys = window.Page.Keyboard;
        await window.Page.Locator("#open-settings").FocusAsync();
        await keys.PressAsync("Enter");
        Assert.Equal("system", await window.FocusAsync());
        await keys.TypeAsync("Be brief.");
        await keys.PressAsync("Tab");
        await keys.TypeAsync("Off");
        await keys.PressAsync("Tab");
        await keys.TypeAsync("0.5");
        await keys.PressAsync("Tab");
        await keys.TypeAsync("100");
        await keys.PressAsync("Tab");
        await keys.TypeAsync("[{");
        await window.Page.Locator("button[value=save]:visible").ClickAsync();
        await Expect(window.Page.Locator("#tools-error")).ToContainTextAsync("This is no JSON");
        await window.Page.Locator("#tools").FillAsync($"[{Requests.WeatherTool}]");
        await window.Page.Locator("button[value=save]:visible").FocusAsync();
        await keys.PressAsync("Enter");
        await Expect(window.Page.Locator("#settings")).ToBeHiddenAsync();
        Assert.Equal("open-settings", await window.FocusAsync());

        await window.Page.ReloadAsync();
        await window.AskAsync("Hello");
        JsonNode request = await window.LastRequestAsync();
        Assert.Equal((0.5, 100, false), ((double)request["temperature"]!, (int)request["max_completion_tokens"]!, (bool)request["chat_template_kwargs"]!["enable_thinking"]!));
        Assert.Equal(("system", "Be brief."), ((string)request["messages"]![0]!["role"]!, (string)request["messages"]![0]!["content"]!));
        Assert.Equal("get_weather", (string)request["tools"]![0]!["function"]!["name"]!);
        await window.FinishAsync();

        await window.Page.Locator("#open-settings").ClickAsync();
        await window.Page.Locator("#reset-settings").ClickAsync();
        await window.Page.Locator("button[value=save]:visible").ClickAsync();
        await window.AskAsync("Hello");
        Assert.Equal(["messages", "model", "stream", "stream_options"], (await window.LastRequestAsync()).AsObject().Select(member => member.Key));
        await window.FinishAsync();
    });

    [Theory]
    [InlineData(360, 640)]
    [InlineData(320, 480)]
    public Task A_phone_shows_all_without_scrolling_sideways(int width, int height) => UseAsync(async window =>
    {
        await window.AskAndFeedAsync(new string('w', 200), """{"reasoning_content":"A thought"}""", new JsonObject { ["content"] = Rich }.ToJsonString(), Call);
        Assert.True(await FitsAsync(window.Page));
        await window.Page.Locator(".question").GetByText("Edit").ClickAsync();
        Assert.True(await FitsAsync(window.Page));
        await window.Page.GetByText("Cancel").ClickAsync();
        string[] small = await window.Page.EvaluateAsync<string[]>("() => [...document.querySelectorAll('button')].filter(b => b.checkVisibility()).filter(b => b.getBoundingClientRect().height < 44).map(b => b.outerHTML)");
        Assert.Empty(small);
        await window.Page.Locator("#open-settings").ClickAsync();
        Assert.True(await FitsAsync(window.Page));
        Assert.True(await window.Page.EvaluateAsync<bool>("() => document.querySelector('#settings').scrollWidth <= document.querySelector('#settings').clientWidth"));
    }, new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = width, Height = height }, IsMobile = true, HasTouch = true });

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public Task Both_themes_can_be_read_and_the_switch_is_remembered(ColorScheme scheme) => UseAsync(async window =>
    {
        Task<string> GroundAsync() => window.Page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");
        ILocator button = window.Page.Locator("#theme");
        await window.AskAndFeedAsync("Hello", """{"reasoning_content":"A thought"}""", new JsonObject { ["content"] = Rich }.ToJsonString(), Call);
        await window.AskAsync("And now?");
        await window.WriteAsync("data: {\"error\":{\"message\":\"A fault.\"}}\n\n");
        await window.WaitForEndAsync();
        await window.Page.EvaluateAsync("() => { for (const details of document.querySelectorAll('details')) { details.open = true; } }");
        string system = await GroundAsync();
        Assert.Equal(scheme == ColorScheme.Dark ? "true" : "false", await button.GetAttributeAsync("aria-pressed"));
        Assert.Empty(await window.Page.EvaluateAsync<string[]>(LowContrasts));
        await window.Page.Locator("#open-settings").ClickAsync();
        Assert.Empty(await window.Page.EvaluateAsync<string[]>(LowContrasts));
        await window.Page.Keyboard.PressAsync("Escape");

        await button.ClickAsync();
        string other = await GroundAsync();
        Assert.NotEqual(system, other);
        await window.Page.ReloadAsync();
        Assert.Equal(other, await GroundAsync());
        await button.ClickAsync();
        Assert.Equal(system, await GroundAsync());
        await window.Page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = scheme == ColorScheme.Dark ? ColorScheme.Light : ColorScheme.Dark });
        Assert.Equal(other, await GroundAsync());
    }, new BrowserNewContextOptions { ColorScheme = scheme });

    [Theory]
    [InlineData(ReducedMotion.Reduce, "none")]
    [InlineData(ReducedMotion.NoPreference, "breathe")]
    public Task Nothing_moves_for_those_who_do_not_want_it(ReducedMotion motion, string animation) => UseAsync(async window =>
    {
        await window.AskAsync("Hello");
        Assert.Equal(animation, await window.Answer.Locator(".status").EvaluateAsync<string>("status => getComputedStyle(status, '::before').animationName"));
        await window.FinishAsync();
    }, new BrowserNewContextOptions { ReducedMotion = motion });

    [Fact]
    public Task The_end_stays_in_view_unless_the_reader_goes_back() => UseAsync(async window =>
    {
        const string ToEnd = "() => { const s = document.getElementById('scroller'); return Math.round(s.scrollHeight - s.scrollTop - s.clientHeight); }";
        string paragraphs = string.Concat(Enumerable.Repeat("A paragraph.\n\n", 60));
        await window.AskAsync("Hello");
        await window.FeedTextAsync(paragraphs);
        await Expect(window.AnswerText.Locator("p")).ToHaveCountAsync(60);
        Assert.InRange(await window.Page.EvaluateAsync<int>(ToEnd), 0, 2);
        await window.Page.EvaluateAsync("() => { document.getElementById('scroller').scrollTop = 0; }");
        await Expect(window.Page.Locator("#latest")).ToBeVisibleAsync();
        await window.FeedTextAsync(paragraphs);
        await Expect(window.AnswerText.Locator("p")).ToHaveCountAsync(120);
        Assert.Equal(0, await window.Page.EvaluateAsync<int>("() => document.getElementById('scroller').scrollTop"));
        await window.Page.Locator("#latest").ClickAsync();
        Assert.InRange(await window.Page.EvaluateAsync<int>(ToEnd), 0, 2);
        await window.FinishAsync();
    });

    private static Task<bool> FitsAsync(IPage page) => page.EvaluateAsync<bool>("""
        () => [document.documentElement, document.body, document.getElementById("scroller")].every(part => part.scrollWidth <= part.clientWidth)
          && document.documentElement.clientWidth === screen.width
        """);

    private Task UseAsync(Func<ChatWindow, Task> test, BrowserNewContextOptions? options = null) => browser.UseAsync(fixture.Server, test, options, isFake: true);
}
