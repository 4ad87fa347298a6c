using System.CommandLine;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Generation;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe chat</c>: a conversation.</summary>
internal sealed class ChatCommand : CliCommand
{
    private readonly Option<string?> _system = new("--system") { HelpName = "TEXT", Description = "Instructions for the whole conversation" };

    private readonly Option<bool> _think = new("--think") { Description = "Let the model think before it answers (the default of GLM-4.5)" };

    private readonly Option<bool> _noThink = new("--no-think") { Description = "Answer without thinking" };

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
        foreach (Option option in (Option[])[_system, _think, _noThink])
        {
            Options.Add(option);
        }

        _model = new ModelArguments(this, 1, "Tokens in the context, the whole conversation [of the model, at most 8192]");
        _sampling = new SamplingArguments(this);
        this.Exclude(_think, _noThink);
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        GenerationOptions options = _sampling.Read(arguments);
        using LanguageModel model = _model.Load(arguments, Terminal);
        SamplingArguments.CheckAgainst(options, model);
        ChatTemplate.Require(model);
        using Session session = _model.CreateSession(arguments, model);
        Conversation conversation = new(Terminal, model, session, options)
        {
            System = arguments.GetValue(_system),
            Thinking = !arguments.GetValue(_noThink),
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
