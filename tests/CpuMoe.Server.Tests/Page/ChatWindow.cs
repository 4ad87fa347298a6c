using System.Text.Json.Nodes;
using Microsoft.Playwright;

namespace CpuMoe.Server.Tests.Page;

/// <summary>The chat page in a window.</summary>
public sealed class ChatWindow
{
    /// <summary>Lets a test play the model: requests for answers do not leave the page, and the test writes the stream.</summary>
    public const string FakeModel = """
        window.sent = [];
        const fetchFromServer = window.fetch;
        window.fetch = async (url, options) => {
          if (!String(url).endsWith("v1/chat/completions")) {
            return fetchFromServer(url, options);
          }

          window.sent.push(options.body);
          const body = new ReadableStream({
            start(controller) {
              window.model = controller;
              options.signal.addEventListener("abort", () => controller.error(options.signal.reason));
            },
          });
          return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
        };
        """;

    public ChatWindow(IPage page, RunningServer server)
    {
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                Faults.Add(message.Text);
            }
        };
        page.PageError += (_, fault) => Faults.Add(fault);
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(server.Address.ToString(), StringComparison.Ordinal))
            {
                Faults.Add($"It loads {request.Url}.");
            }
        };
    }

    public IPage Page { get; }

    /// <summary>What the console said, and what was loaded from elsewhere.</summary>
    public List<string> Faults { get; } = [];

    public ILocator Question => Page.Locator("#question");

    public ILocator Answer => Page.Locator(".answer").Last;

    public ILocator AnswerText => Answer.Locator("> .text");

    public ILocator Stop => Page.Locator("#stop");

    public async Task AskAsync(string text)
    {
        await Question.FillAsync(text);
        await Page.Locator("#send").ClickAsync();
    }

    /// <summary>Waits for the end of the answer.</summary>
    public async Task WaitForEndAsync()
    {
        await Assertions.Expect(Answer).ToHaveAttributeAsync("aria-busy", "false");
        await Assertions.Expect(Page.Locator("#send")).ToBeVisibleAsync();
    }

    /// <summary>Continues the answer of a fake model.</summary>
    /// <param name="deltas">What is new, as in the stream's <c>delta</c>.</param>
    public Task FeedAsync(params string[] deltas) =>
        WriteAsync(string.Concat(deltas.Select(delta => $$"""data: {"choices":[{"index":0,"delta":{{delta}},"finish_reason":null}],"usage":null}""" + "\n\n")));

    /// <summary>Continues the text of a fake model's answer.</summary>
    public Task FeedTextAsync(string text) => FeedAsync(new JsonObject { ["content"] = text }.ToJsonString());

    /// <summary>Ends the answer of a fake model.</summary>
    public async Task FinishAsync(string reason = "stop")
    {
        const string End = """
            data: {"choices":[{"index":0,"delta":{},"finish_reason":"REASON"}],"usage":null,"timings":{"predicted_per_second":12.34}}

            data: {"choices":[],"usage":{"prompt_tokens":40,"completion_tokens":7,"total_tokens":47,"prompt_tokens_details":{"cached_tokens":30}}}

            data: [DONE]


            """;
        await WriteAsync(End.Replace("REASON", reason, StringComparison.Ordinal));
        await WaitForEndAsync();
    }

    /// <summary>Cuts the connection to a fake model, unless the page has left already.</summary>
    public Task CutAsync() => Page.EvaluateAsync("() => { try { window.model.close(); } catch { /* It has. */ } }");

    /// <summary>Asks a fake model, which answers at once.</summary>
    public async Task AskAndFeedAsync(string question, params string[] deltas)
    {
        await AskAsync(question);
        await FeedAsync(deltas);
        await FinishAsync();
    }

    /// <summary>Sends bytes of a fake model's stream.</summary>
    public Task WriteAsync(string text) => Page.EvaluateAsync("text => window.model.enqueue(new TextEncoder().encode(text))", text);

    /// <summary>The last request to the fake model.</summary>
    public async Task<JsonNode> LastRequestAsync() => JsonNode.Parse(await Page.EvaluateAsync<string>("() => window.sent.at(-1)"))!;

    /// <summary>What has the focus: its id, or else its text.</summary>
    public Task<string> FocusAsync() => Page.EvaluateAsync<string>("() => document.activeElement.id || document.activeElement.textContent.trim()");
}
