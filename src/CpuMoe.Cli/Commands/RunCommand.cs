using System.CommandLine;
using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Terminal;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Text;

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

    private readonly Option<bool> _json = JsonOption();

    private readonly ThinkingArguments _thinking;
    private readonly ChatTemplateArgument _template;
    private readonly ModelArguments _model;
    private readonly SamplingArguments _sampling;
    private readonly GrammarArguments _grammar;
    private readonly ToolArguments _tools;

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
        foreach (Option option in (Option[])[_prompt, _file, _system, _raw, _json])
        {
            Options.Add(option);
        }

        _thinking = new ThinkingArguments(this);
        _tools = new ToolArguments(this, withServers: false);
        _template = new ChatTemplateArgument(this);
        _model = new ModelArguments(this, 1, "Tokens in the context, prompt and answer [of the model, at most 8192]");
        _sampling = new SamplingArguments(this);
        _grammar = new GrammarArguments(this);
        this.Exclude(_prompt, _file);
        this.Exclude(_raw, _thinking.Think);
        this.Exclude(_raw, _thinking.NoThink);
        this.Exclude(_raw, _thinking.Budget);
        this.Exclude(_raw, _tools.File);
        this.Exclude(_raw, _system);
        this.Exclude(_raw, _template.Option);
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
        GenerationOptions options = _sampling.Read(arguments);
        Grammar? grammar = _grammar.Read(arguments);
        ToolDefinition[] tools = _tools.Read(arguments);
        using LanguageModel model = _model.Load(arguments, Terminal);
        SamplingArguments.CheckAgainst(options, model);
        ChatTemplate? template = raw ? null : _template.Read(arguments, model);
        RenderedPrompt? rendered = template is null ? null : Render(arguments, template, prompt, tools);
        ToolCallFormat? format = template is not null && tools.Length > 0 ? ToolArguments.FormatOf(template) : null;
        options = rendered is null ? options with { Grammar = grammar } : Constrain(arguments, options, grammar, rendered.Text, model.Tokenizer, tools, format);
        int[] ids = rendered is null ? EncodeRaw(model.Tokenizer, prompt) : model.Tokenizer.Encode(rendered.Segments);
        if (ids.Length == 0)
        {
            throw new CliException("the chat template gives an empty prompt; --chat-template uses another one");
        }

        using Session session = _model.CreateSession(arguments, model);
        if (ids.Length >= session.ContextLength)
        {
            throw new CliException($"the prompt has {ids.Length} tokens and leaves no room in a context of {session.ContextLength}; use a larger --ctx or a shorter prompt");
        }

        ReplyPrinter? printer = json ? null : new ReplyPrinter(Terminal) { PrintsCalls = true };
        ReplyParser? parser = rendered is null ? null : new ReplyParser(rendered.Text, format, tools);
        Reply reply = Reply.Generate(session, model.Tokenizer.Vocabulary, ids, options, parser, Terminal, printer);
        GenerationTimings? timings = session.LastTimings;
        if (json && !reply.WasInterrupted)
        {
            WriteJson(Describe(reply, ids, timings!, model), JsonOutput.Readable.RunOutput);
        }
        else if (!json && timings is not null)
        {
            Terminal.Notice(timings.Summary());
            if (PagingOutput.From(model.Model.ExpertStatistics) is { } experts)
            {
                Terminal.Notice(experts.Summary());
            }
        }

        return reply.WasInterrupted ? ExitCodes.Interrupted : ExitCodes.Success;
    }

    private static RunOutput Describe(Reply reply, int[] prompt, GenerationTimings timings, LanguageModel model) => new(
        reply.Text,
        reply.Reasoning.Length > 0 ? reply.Reasoning : null,
        reply.Calls.Count > 0 ? [.. reply.Calls.Select(call => new ToolCallOutput(call.Id, call.Name, JsonElement.Parse(call.Arguments)))] : null,
        prompt,
        reply.Tokens,
        reply.FinishReason switch
        {
            FinishReason.Stop when reply.Calls.Count > 0 => "tool_calls",
            FinishReason.Length => "length",
            FinishReason.Context => "context",
            _ => "stop",
        },
        new TimingsOutput(
            model.LoadTime.TotalMilliseconds, timings.PromptTime.TotalMilliseconds, timings.PromptRate(), timings.GenerationTime.TotalMilliseconds, timings.GenerationRate()),
        PagingOutput.From(model.Model.ExpertStatistics));

    /// <summary>The options with what the answer must be and the limit of the thought before it.</summary>
    private GenerationOptions Constrain(
        ParseResult arguments, GenerationOptions options, Grammar? grammar, string prompt, Tokenizer tokenizer, ToolDefinition[] tools, ToolCallFormat? format)
    {
        Thought thought = ThoughtAfter(prompt, _thinking.IsRefused(arguments));
        if (grammar is not null && format is { } calls)
        {
            grammar = ToolCallGrammar.Create(tools, calls, allowSeveral: true, orAnswer: grammar);
        }

        return options with
        {
            Grammar = grammar?.AsAnswer(thought),
            ThoughtBudget = arguments.GetValue(_thinking.Budget) is { } budget && thought != Thought.None
                ? new ThoughtBudget(budget, IsOpen: thought == Thought.Open, tokenizer.Encode("<think>", parseSpecial: true), tokenizer.Encode("</think>", parseSpecial: true))
                : null,
        };
    }

    /// <summary>What may come before the answer to a prompt.</summary>
    private static Thought ThoughtAfter(string prompt, bool isRefused)
    {
        ReadOnlySpan<char> end = prompt.AsSpan().TrimEnd();
        return end.EndsWith("<think>") ? Thought.Open : isRefused || end.EndsWith("</think>") ? Thought.None : Thought.Possible;
    }

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

    private RenderedPrompt Render(ParseResult arguments, ChatTemplate template, string prompt, ToolDefinition[] tools)
    {
        List<ChatMessage> messages = [new(ChatRole.User, prompt)];
        if (arguments.GetValue(_system) is { } system)
        {
            messages.Insert(0, new(ChatRole.System, system));
        }

        return template.Render(messages, new PromptOptions { Tools = tools, EnableThinking = _thinking.Read(arguments, template, Terminal) });
    }

    /// <summary>The ids of a plain text in which special tokens count, with a BOS if the model adds one.</summary>
    private static int[] EncodeRaw(Tokenizer tokenizer, string text)
    {
        int[] ids = tokenizer.Encode(text, parseSpecial: true);
        Vocabulary vocabulary = tokenizer.Vocabulary;
        return vocabulary.AddBos && (ids.Length == 0 || ids[0] != vocabulary.Bos) ? [vocabulary.Bos, .. ids] : ids;
    }
}
