using System.CommandLine;
using System.CommandLine.Parsing;
using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Cli.Terminal;
using CpuMoe.Cli.Tools;

namespace CpuMoe.Cli.Arguments;

/// <summary>The options that say which tools the model may call.</summary>
internal sealed class ToolArguments
{
    private const int DefaultPatience = 60;

    private readonly Option<string[]> _servers = new("--mcp")
    {
        HelpName = "COMMAND",
        Description = "Start an MCP server and offer its tools: the program with its arguments in one word (repeatable)",
    };

    private readonly Option<bool> _trust = new("--mcp-allow") { Description = "Call the tools of MCP servers without asking" };

    private readonly Option<int?> _patience = NumberOption.Create<int>(
        "--mcp-timeout", "S", $"Seconds that an MCP server may take to start, and for a call [{DefaultPatience}]", s => s is >= 1 and <= 86400, "an integer from 1 to 86400");

    /// <summary>Adds the options to a command; those of MCP servers only where it can carry calls out.</summary>
    public ToolArguments(Command command, bool withServers)
    {
        File.Description = withServers ? "Offer the tools defined in a JSON file, in the form of the OpenAI API; you type the results" : "Offer the tools defined in a JSON file, in the form of the OpenAI API; their calls are printed";
        command.Options.Add(File);
        if (!withServers)
        {
            return;
        }

        _servers.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => !CommandLineParser.SplitCommandLine(token.Value).Any(word => word.Length > 0)))
            {
                result.AddError("--mcp must name a program");
            }
        });
        foreach (Option option in (Option[])[_servers, _trust, _patience])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The file with definitions.</summary>
    public Option<string?> File { get; } = new("--tools") { HelpName = "FILE" };

    /// <summary>The tools of the file; none where there is no file.</summary>
    /// <exception cref="CliException">The file cannot be used.</exception>
    public ToolDefinition[] Read(ParseResult arguments) => arguments.GetValue(File) is { } path ? ToolFile.Read(ModelFileArgument.CheckExists(path)) : [];

    /// <summary>How a template writes calls.</summary>
    /// <exception cref="CliException">It does not, or not in a known format.</exception>
    public static ToolCallFormat FormatOf(ChatTemplate template) => ToolCallFormats.Of(template)
        ?? throw new CliException("the chat template of this model writes no tool calls, or in a format that is not supported; leave the tools out");

    /// <summary>Starts the servers and puts all tools together; null where none are asked for.</summary>
    /// <exception cref="CliException">The model cannot call tools.</exception>
    public ToolBox? Open(ParseResult arguments, ToolDefinition[] definitions, ChatTemplate template, ChatPrompt prompt, CliConsole console)
    {
        string[] commands = arguments.GetValue(_servers) ?? [];
        if (definitions.Length == 0 && commands.Length == 0)
        {
            return null;
        }

        ToolBox box = new(prompt, console, FormatOf(template));
        foreach (ToolDefinition definition in definitions)
        {
            box.Add(new TypedTool(definition, prompt, console));
        }

        TimeSpan patience = TimeSpan.FromSeconds(arguments.GetValue(_patience) ?? DefaultPatience);
        using IDisposable interruption = console.Interrupts.Cancelling(out CancellationToken cancellation);
        try
        {
            foreach (string command in commands)
            {
                if (McpServer.StartAsync(command, patience, console, cancellation).GetAwaiter().GetResult() is { } server)
                {
                    box.Add(server, arguments.GetValue(_trust));
                }
            }

            return box;
        }
        catch
        {
            box.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
    }
}
