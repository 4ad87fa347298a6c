using System.CommandLine;
using CpuMoe.Chat;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Generation;
using CpuMoe.Grammars;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe run</c>: one prompt, one answer.</summary>
internal sealed class RunCommand : CliCommand
{
    private readonly Option<string?> _prompt = new("-p", "--prompt") { HelpName = "PROMPT", Description = "The prompt; - reads standard input" };

    private readonly Option<string?> _file = new("-f", "--file") { HelpName = "FILE", Description = "Read the prompt from a UTF-8 file" };

    private readonly Option<string?> _system = new("--system") { HelpName = "TEXT", Description = "Instructions before the prompt" };

    private readonly Option<bool> _raw = new("--raw")
    {
        Description = "Continue the prompt as plain text, without a chat template; special tokens written in it count",
    };

    private readonly Option<bool> _think = new("--think") { Description = "Let the model think before it answers (the default of GLM-4.5)" };

    private readonly Option<bool> _noThink = new("--no-think") { Description = "Answer without thinking" };

    private readonly Option<bool> _json = JsonOption();

    private readonly ModelArguments _model;
    private readonly SamplingArguments _sampling;
    private readonly GrammarArguments _grammar;

    public RunCommand(CliConsole console)
        : base(
            "run",
            """
            Answers one prompt.

            The answer goes to standard output as it is made; the thought before it and a summary go to standard error,
            so that a pipe gets the clean answer. A final line break of a prompt from standard input or a file is
            dropped, except with --raw. Ctrl-C stops and keeps what there is (exit code 130).
            """,
            console,
            "cpumoe run -p \"What is the capital of France?\"",
            "cpumoe run -m GLM-4.5-Air-Q4_K_M-00001-of-00002.gguf -p \"Why is the sky blue?\" --no-think",
            "cat question.txt | cpumoe run -m model.gguf -p - --temp 0 > answer.txt",
            "cpumoe run -m model.gguf -p \"Name a city and its country.\" --json-schema city.schema.json",
            "cpumoe run -m model.gguf --raw -p \"Once upon a time\" -n 100 --seed 1 --json")
    {
        foreach (Option option in (Option[])[_prompt, _file, _system, _raw, _think, _noThink, _json])
        {
            Options.Add(option);
        }

        _model = new ModelArguments(this, 1, "Tokens in the context, prompt and answer [of the model, at most 8192]");
        _sampling = new SamplingArguments(this);
        _grammar = new GrammarArguments(this);
        this.Exclude(_prompt, _file);
        this.Exclude(_think, _noThink);
        this.Exclude(_raw, _think);
        this.Exclude(_raw, _noThink);
        this.Exclude(_raw, _system);
        Validators.Add(result =>
        {
            if (result.GetResult(_prompt) is null && result.GetResult(_file) is null)
            {
                result.AddError("a prompt is needed: -p PROMPT, -p - for standard input, or -f FILE");
            }
        });
        _prompt.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }])
            {
                result.AddError("the prompt is empty");
            }
        });
    }

    /// <inheritdoc/>
    protected override int Execute(ParseResult arguments)
    {
        bool raw = arguments.GetValue(_raw), json = arguments.GetValue(_json);
        string prompt = ReadPrompt(arguments, raw);
        Thought? thought = raw ? null : arguments.GetValue(_noThink) ? Thought.None : Thought.Possible;
        GenerationOptions options = _sampling.Read(arguments) with { Grammar = _grammar.Read(arguments, thought) };

        using LanguageModel model = _model.Load(arguments, Terminal);
        SamplingArguments.CheckAgainst(options, model);
        int[] ids = raw ? ChatTemplate.EncodeRaw(model.Tokenizer, prompt) : EncodeChat(arguments, model, prompt);
        using Session session = _model.CreateSession(arguments, model);
        if (ids.Length >= session.ContextLength)
        {
            throw new CliException($"the prompt has {ids.Length} tokens and leaves no room in a context of {session.ContextLength}; use a larger --ctx or a shorter prompt");
        }

        ReplyPrinter? printer = json ? null : new ReplyPrinter(Terminal);
        Reply reply = Reply.Generate(session, model.Tokenizer, ids, options, raw, Terminal, printer);
        GenerationTimings? timings = session.LastTimings;
        if (json && !reply.WasInterrupted)
        {
            WriteJson(Describe(reply, ids, timings!, model.LoadTime), JsonOutput.Readable.RunOutput);
        }
        else if (!json && timings is not null)
        {
            Terminal.Notice(timings.Summary());
        }

        return reply.WasInterrupted ? ExitCodes.Interrupted : ExitCodes.Success;
    }

    private static RunOutput Describe(Reply reply, int[] prompt, GenerationTimings timings, TimeSpan loadTime) => new(
        reply.Text,
        reply.Reasoning.Length > 0 ? reply.Reasoning : null,
        prompt,
        reply.Tokens,
        reply.FinishReason switch
        {
            FinishReason.Length => "length",
            FinishReason.Context => "context",
            _ => "stop",
        },
        new TimingsOutput(
            loadTime.TotalMilliseconds, timings.PromptTime.TotalMilliseconds, timings.PromptRate(), timings.GenerationTime.TotalMilliseconds, timings.GenerationRate()));

    private string ReadPrompt(ParseResult arguments, bool raw)
    {
        string? argument = arguments.GetValue(_prompt);
        string text = argument is null ? CliConsole.ReadFile(ModelFileArgument.CheckExists(arguments.GetValue(_file)!)) : PromptText.Read(argument, Terminal);
        if (!raw && argument is null or "-")
        {
            text = PromptText.WithoutFinalLineBreak(text);
        }

        return text.Length > 0 ? text : throw new CliException("the prompt is empty");
    }

    private int[] EncodeChat(ParseResult arguments, LanguageModel model, string prompt)
    {
        ChatTemplate.Require(model);
        List<ChatMessage> messages = [new(ChatRole.User, prompt)];
        if (arguments.GetValue(_system) is { } system)
        {
            messages.Insert(0, new(ChatRole.System, system));
        }

        return ChatTemplate.Encode(model, messages, thinking: !arguments.GetValue(_noThink));
    }
}
