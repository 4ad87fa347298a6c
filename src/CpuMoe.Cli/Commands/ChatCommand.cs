using System.CommandLine;
using CpuMoe.Chat.Templates;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Generation;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe chat</c>: a conversation.</summary>
internal sealed class ChatCommand : CliCommand
{
    private readonly Option<string?> _system = new("--system") { HelpName = "TEXT", Description = "Instructions for the whole conversation" };

    private readonly ThinkingArguments _thinking;
    private readonly ChatTemplateArgument _template;
    private readonly ModelArguments _model;
    private readonly SamplingArguments _sampling;

    public ChatCommand(CliConsole console)
        : base(
            "chat",
            """
            Holds a conversation: one message per line.

            Answers go to standard output, thoughts and notices to standard error. Ctrl-C stops a reply; at the prompt a
            second Ctrl-C leaves, as do /exit and the end of the input. /help lists the commands.
            """,
            console,
            "cpumoe chat",
            "cpumoe chat -m model.gguf --system \"Answer briefly.\" --temp 0.6",
            "cpumoe chat -m model.gguf --no-think < messages.txt > answers.txt")
    {
        Options.Add(_system);
        _thinking = new ThinkingArguments(this);
        _template = new ChatTemplateArgument(this);
        _model = new ModelArguments(this, 1, "Tokens in the context, the whole conversation [of the model, at most 8192]");
        _sampling = new SamplingArguments(this);
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        GenerationOptions options = _sampling.Read(arguments);
        using LanguageModel model = _model.Load(arguments, Terminal);
        SamplingArguments.CheckAgainst(options, model);
        ChatTemplate template = _template.Read(arguments, model);
        using Session session = _model.CreateSession(arguments, model);
        Conversation conversation = new(Terminal, model, template, session, options)
        {
            System = arguments.GetValue(_system),
            Thinking = _thinking.Read(arguments, template, Terminal),
        };
        if (Terminal.InIsTerminal)
        {
            Terminal.Notice("/help lists the commands, Ctrl-C stops a reply, /exit leaves");
        }

        using ChatPrompt prompt = new(Terminal);
        while (prompt.ReadLine() is { } line)
        {
            if (line.StartsWith('/'))
            {
                if (!ChatCommands.Execute(line, conversation, Terminal))
                {
                    break;
                }
            }
            else if (!string.IsNullOrWhiteSpace(line))
            {
                conversation.Say(line);
            }
        }

        return ExitCodes.Success;
    }
}
