using Microsoft.Playwright;

namespace CpuMoe.Server.Tests.Page;

/// <summary>Tests that share the browser run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class PageBrowserGroup : ICollectionFixture<PageBrowser>
{
    public const string Name = "chat page in a browser";
}

/// <summary>A Chromium that is installed on the machine; nothing is downloaded.</summary>
public sealed class PageBrowser : IAsyncLifetime
{
    private static readonly string[] Places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    // Everything else on the machine may be faster.
    private const float Patience = 30_000;

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (Places.FirstOrDefault(File.Exists) is not { } path)
        {
            return;
        }

        Assertions.SetDefaultExpectTimeout(Patience);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = path, Timeout = 2 * Patience });
    }

    /// <summary>Opens the page of a server for a test; afterwards nothing may have been loaded from elsewhere or complained of in the console.</summary>
    /// <param name="server">Serves the page.</param>
    /// <param name="test">Uses it.</param>
    /// <param name="options">The kind of window.</param>
    /// <param name="settings">The settings that the browser remembers, JSON.</param>
    /// <param name="isFake">Whether the test plays the model: <see cref="ChatWindow.FeedAsync"/>.</param>
    /// <param name="prepare">Before the page is loaded.</param>
    public async Task UseAsync(
        RunningServer server, Func<ChatWindow, Task> test, BrowserNewContextOptions? options = null, string? settings = null, bool isFake = false, Func<IPage, Task>? prepare = null)
    {
        if (_browser is not { } browser)
        {
            Assert.Skip($"There is no Chromium ({string.Join(", ", Places)}).");
            return;
        }

        await using IBrowserContext context = await browser.NewContextAsync(options);
        context.SetDefaultTimeout(Patience);
        IPage page = await context.NewPageAsync();
        ChatWindow window = new(page, server);
        if (settings is not null)
        {
            await page.AddInitScriptAsync($"localStorage['cpumoe.settings'] ??= {System.Text.Json.JsonSerializer.Serialize(settings)};");
        }

        if (isFake)
        {
            await page.AddInitScriptAsync(ChatWindow.FakeModel);
        }

        await (prepare?.Invoke(page) ?? Task.CompletedTask);
        await page.GotoAsync(server.Address.ToString());
        await test(window);
        Assert.Empty(window.Faults);
    }

    public async ValueTask DisposeAsync()
    {
        await (_browser?.DisposeAsync() ?? ValueTask.CompletedTask);
        _playwright?.Dispose();
    }
}
