using System.CommandLine;
using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Cli.Tools;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Serving;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe chat</c>: a conversation.</summary>
internal sealed class ChatCommand : CliCommand
{
    private readonly Option<string?> _system = new("--system") { HelpName = "TEXT", Description = "Instructions for the whole conversation" };

    private readonly ThinkingArguments _thinking;
    private readonly ToolArguments _tools;
    private readonly ChatTemplateArgument _template;
    private readonly ModelArguments _model;
    private readonly SamplingArguments _sampling;
    private readonly GrammarArguments _grammar;

    public ChatCommand(CliConsole console)
        : base(
            "chat",
            """
            Holds a conversation: one message per line.

            Answers go to standard output, thoughts and notices to standard error. Ctrl-C stops a reply; at the prompt a
            second Ctrl-C leaves, as do /exit and the end of the input. /help lists the commands. Where the model calls
            a tool of an MCP server, the next line of the input says whether it may (--mcp-allow: it may); where it calls
            one that only a file defines, the next line is the result.
            """,
            console,
            "cpumoe chat",
            "cpumoe chat -m model.gguf --system \"Answer briefly.\" --temp 0.6",
            "cpumoe chat -m model.gguf --tools tools.json --think-budget 500",
            "cpumoe chat -m GLM-4.5-Air-Q4_K_M-00001-of-00002.gguf --mcp \"dotnet weather-server.dll\"",
            "cpumoe chat -m model.gguf --no-think < messages.txt > answers.txt")
    {
        Options.Add(_system);
        _thinking = new ThinkingArguments(this);
        _tools = new ToolArguments(this, withServers: true);
        _template = new ChatTemplateArgument(this);
        _model = new ModelArguments(this, 1, "Tokens in the context, the whole conversation [of the model, at most 8192]");
        _sampling = new SamplingArguments(this);
        _grammar = new GrammarArguments(this);
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments) => ExecuteAsync(arguments).GetAwaiter().GetResult();

    private async Task<int> ExecuteAsync(ParseResult arguments)
    {
        GenerationOptions options = _sampling.Read(arguments);
        Grammar? grammar = _grammar.Read(arguments);
        ToolDefinition[] definitions = _tools.Read(arguments);
        using LanguageModel model = _model.Load(arguments, Terminal);
        SamplingArguments.CheckAgainst(options, model);
        ChatTemplate template = _template.Read(arguments, model);
        await using Scheduler scheduler = new(model, new SchedulerOptions { ContextLength = _model.ContextLength(arguments, model) ?? 0, KvType = _model.KvType(arguments) });
        using ChatPrompt prompt = new(Terminal);
        await using ToolBox? tools = _tools.Open(arguments, definitions, template, prompt, Terminal);
        ChatRequest settings = new()
        {
            Messages = [],
            AnswerGrammar = grammar,
            Thinking = _thinking.Read(arguments, template, Terminal),
            ThinkingBudget = arguments.GetValue(_thinking.Budget),
            Generation = options,
        };
        Conversation conversation = new(Terminal, new ChatEngine(scheduler, template), settings, tools) { System = arguments.GetValue(_system) };
        if (Terminal.InIsTerminal)
        {
            Terminal.Notice("/help lists the commands, Ctrl-C stops a reply, /exit leaves");
        }

        await TalkAsync(prompt, conversation).ConfigureAwait(false);
        return ExitCodes.Success;
    }

    private async Task TalkAsync(ChatPrompt prompt, Conversation conversation)
    {
        while (prompt.ReadLine() is { } line)
        {
            if (line.StartsWith('/'))
            {
                if (!ChatCommands.Execute(line, conversation, Terminal))
                {
                    return;
                }
            }
            else if (!string.IsNullOrWhiteSpace(line))
            {
                await conversation.SayAsync(line).ConfigureAwait(false);
            }
        }
    }
}
