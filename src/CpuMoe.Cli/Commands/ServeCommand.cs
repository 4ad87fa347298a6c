using System.CommandLine;
using System.Net;
using System.Runtime.InteropServices;
using CpuMoe.Chat.Templates;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Generation;
using CpuMoe.Server.Hosting;
using CpuMoe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe serve</c>: a model behind the APIs that clients speak.</summary>
internal sealed class ServeCommand : CliCommand
{
    private readonly EndpointArguments _endpoint;
    private readonly ChatTemplateArgument _template;
    private readonly SchedulerArguments _scheduler;

    public ServeCommand(CliConsole console)
        : base(
            "serve",
            """
            Serves a model over HTTP to clients of OpenAI's API.

            Standard output gets the URL once the server takes requests, standard error one line per request; neither
            tells what was said. Ctrl-C or SIGTERM lets running requests finish for 30 seconds, a second one ends them.
            """,
            console,
            "cpumoe serve -m GLM-4.5-Air-Q4_K_M-00001-of-00002.gguf --slots 4 --ctx 32768",
            "cpumoe serve -m model.gguf --alias \"claude-*\" --prompt-cache cache --prompt-cache-size 20GiB",
            "CPUMOE_API_KEY=secret cpumoe serve -m model.gguf --host 0.0.0.0 --port 80")
    {
        _endpoint = new EndpointArguments(this);
        _template = new ChatTemplateArgument(this);
        _scheduler = new SchedulerArguments(this);
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments) => ExecuteAsync(arguments).GetAwaiter().GetResult();

    private async Task<int> ExecuteAsync(ParseResult arguments)
    {
        IReadOnlyList<string> keys = _endpoint.Keys(arguments);
        IPEndPoint endpoint = _endpoint.Endpoint(arguments);
        using LanguageModel model = _scheduler.Load(arguments, Terminal);
        ChatTemplate template = _template.Read(arguments, model);
        SchedulerOptions options = _scheduler.Read(arguments, model) with { Warn = warning => Terminal.Notice($"warning: {warning}") };
        await using Scheduler scheduler = new(model, options);
        ChatEngine engine = new(scheduler, template);
        await using WebApplication application = ServerHost.Build(engine, endpoint, server => _endpoint.Apply(arguments, keys, server), AddLog);

        // Before the URL is told, so that whoever reads it may end the server.
        TaskCompletionSource stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenSource hurry = new();
        using IDisposable interrupts = Terminal.Interrupts.HandleWith(EndOrHurry);
        using var termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = EndOrHurry());
        await application.StartAsync();
        if (!IPAddress.IsLoopback(endpoint.Address))
        {
            Terminal.Notice(keys.Count == 0
                ? "warning: everybody who reaches this machine can use the model; --api-key or --api-key-file keeps strangers out"
                : "warning: requests and keys can be read on their way, as this is no HTTPS; put a proxy with TLS in front for other than trusted networks");
        }

        Terminal.Notice($"serving {Path.GetFileName(model.File.Path)}, Ctrl-C ends");
        Terminal.Out.WriteLine(application.Urls.First());
        await stop.Task;
        Terminal.Notice("ending as soon as running requests are done; once more to end at once");
        await application.StopAsync(hurry.Token);
        return ExitCodes.Success;

        bool EndOrHurry()
        {
            if (!stop.TrySetResult())
            {
                hurry.Cancel();
            }

            return true;
        }
    }

    private static void AddLog(WebApplicationBuilder builder)
    {
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ssZ ";
            console.UseUtcTimestamp = true;
        });
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);

        // A start that fails is told in one line by the command.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
