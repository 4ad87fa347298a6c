using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Text;

namespace CpuMoe.Serving;

/// <summary>Answers conversations: renders the prompt, constrains and generates, and takes the reply apart.</summary>
/// <remarks>
/// <para>Safe for concurrent use.</para>
/// <para>
/// A turn evaluates only what is new if its prompt begins with that of the last turn and the reply. The engine sees to
/// that as far as it can: whether and which tools may be called (<see cref="ChatRequest.ToolMode"/>,
/// <see cref="ChatRequest.AllowedTools"/>), budgets and grammars never change the prompt, and messages are brought into
/// one form first. Within the calls of one question templates keep the thoughts, so each round adds to the prompt; with
/// the next question they drop them, so the last reply (from its thought on) is evaluated once more, without its
/// thought. To keep the prefix, callers send a reply back as they got it (thought, text, arguments), keep the tools and
/// their order, and do not switch <see cref="ChatRequest.Thinking"/> within a conversation: GLM-4.5 marks all of the
/// user's turns by it.
/// </para>
/// </remarks>
/// <example>
/// <code>
/// using CpuMoe.Chat;
/// using CpuMoe.Generation;
/// using CpuMoe.Serving;
///
/// using LanguageModel model = LanguageModel.Load("model.gguf");
/// await using Scheduler scheduler = new(model);
/// ChatEngine engine = new(scheduler);
/// ChatRequest request = new() { Messages = [new(ChatRole.User, "Why is the sky blue?")] };
/// await foreach (ChatUpdate update in engine.Submit(request))
/// {
///     foreach (ContentPart part in update.Parts.OfType&lt;ContentPart&gt;())
///     {
///         Console.Write(part.Text);
///     }
/// }
/// </code>
/// </example>
public sealed class ChatEngine
{
    private const string CloseOpenThought = "\n</think>\n\n";

    private readonly ChatGrammars _grammars = new();
    private readonly Tokenizer _tokenizer;
    private readonly ToolCallFormat? _format;

    /// <summary>Creates an engine.</summary>
    /// <param name="scheduler">Generates; it must outlive the engine.</param>
    /// <param name="template">The chat template; null for that of the model.</param>
    /// <exception cref="ChatTemplateException">The model has no usable template.</exception>
    public ChatEngine(Scheduler scheduler, ChatTemplate? template = null)
    {
        ArgumentNullException.ThrowIfNull(scheduler);
        Scheduler = scheduler;
        _tokenizer = scheduler.Model.Tokenizer;
        Template = template ?? ChatTemplate.Of(_tokenizer);
        _format = ToolCallFormats.Of(Template);
    }

    /// <summary>Generates.</summary>
    public Scheduler Scheduler { get; }

    /// <summary>The chat template.</summary>
    public ChatTemplate Template { get; }

    /// <summary>The prompt of a request.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    /// <exception cref="ArgumentException">A tool's schema or a message that cannot be rendered.</exception>
    public RenderedPrompt Render(ChatRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        RenderedPrompt prompt = Template.Render(ChatHistory.Normalise(request.Messages), new PromptOptions
        {
            Tools = request.Tools,
            AddGenerationPrompt = !request.ContinueReply,
            EnableThinking = request.Thinking,
            Variables = request.TemplateVariables,
        });
        if (request.ContinueReply)
        {
            return ReplyBeginning.Open(prompt, request);
        }

        // A template without a switch may open a thought whatever is asked for: an empty one is none.
        return request.Thinking == false && new ReplyParser(prompt.Text).IsThinking ? prompt.Append(CloseOpenThought) : prompt;
    }

    /// <summary>The number of tokens of the prompt of a request.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    /// <exception cref="ArgumentException">A tool's schema or a message that cannot be rendered.</exception>
    public int CountTokens(ChatRequest request) => _tokenizer.Encode(Render(request).Segments).Length;

    /// <summary>Checks, renders and admits a request; what can be refused is refused here.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    /// <exception cref="GrammarException">A schema that cannot be enforced.</exception>
    /// <exception cref="PromptTooLongException">No room for an answer.</exception>
    /// <exception cref="SchedulerBusyException">The queue is full, or the scheduler shuts down.</exception>
    /// <exception cref="ArgumentException">
    /// An option out of range, an unknown tool in <see cref="ChatRequest.AllowedTools"/>, tools required of a request without
    /// any, tools of a model whose calls are in a format that is not supported, or a reply that cannot be continued.
    /// </exception>
    public ChatReply Submit(ChatRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Generation.Grammar is not null || request.Generation.ThoughtBudget is not null)
        {
            throw new ArgumentException($"The grammar and the thought's budget of a chat belong into {nameof(ChatRequest.AnswerGrammar)} and {nameof(ChatRequest.ThinkingBudget)}.", nameof(request));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(request.ThinkingBudget ?? 0, nameof(request.ThinkingBudget));
        ToolDefinition[] tools = CallableTools.Of(request, _format);
        RenderedPrompt prompt = Render(request);
        string beginning = request.ContinueReply ? ReplyBeginning.Of(request) : "";
        ReplyParser parser = new(prompt.Text[..^beginning.Length], _format, tools);
        parser.Append(beginning);
        Thought thought = ThoughtAfter(parser, request);
        GenerationOptions options = request.Generation with
        {
            Grammar = _grammars.Of(request, tools, _format, thought),
            ThoughtBudget = BudgetOf(request, thought),
            Sampling = WithoutTokens(request.Generation.Sampling, Unwanted(request)),
        };
        int[] tokens = _tokenizer.Encode(prompt.Segments);
        GenerationJob job = Scheduler.Submit(tokens, options, cancellationToken);
        return new ChatReply(job, tokens.Length, parser, _tokenizer.Vocabulary, tools.Length > 0 && !request.AllowParallelToolCalls);
    }

    /// <summary>What comes before the answer to a prompt.</summary>
    private Thought ThoughtAfter(ReplyParser parser, ChatRequest request) =>
        parser.IsThinking ? Thought.Open
        : parser.MayThink && request.Thinking != false && Template.Source.Contains(ReasoningParser.Close, StringComparison.Ordinal) ? Thought.Possible
        : Thought.None;

    /// <summary>The limit of the thought; none where the vocabulary has no tokens for the tags, as the end of a thought could be missed then.</summary>
    private ThoughtBudget? BudgetOf(ChatRequest request, Thought thought)
    {
        int open = _tokenizer.Vocabulary.Find(ReasoningParser.Open), close = _tokenizer.Vocabulary.Find(ReasoningParser.Close);
        return request.ThinkingBudget is { } tokens && thought != Thought.None && open >= 0 && close >= 0
            ? new ThoughtBudget(tokens, IsOpen: thought == Thought.Open, [open], [close])
            : null;
    }

    /// <summary>The tags that a model might write against the wish of the request.</summary>
    private IEnumerable<string> Unwanted(ChatRequest request)
    {
        if (request.Thinking == false || request.ContinueReply)
        {
            yield return ReasoningParser.Open;
        }

        if (request is { ToolMode: ToolMode.None, Tools.Count: > 0 } && _format is { } format)
        {
            yield return format.OpenTag();
        }
    }

    /// <summary>Bans the tokens of some tags; where a tag is no token of its own, it is text.</summary>
    private SamplerOptions WithoutTokens(SamplerOptions sampling, IEnumerable<string> tags)
    {
        Vocabulary vocabulary = _tokenizer.Vocabulary;
        int[] ids = [.. tags.Select(vocabulary.Find).Where(id => id >= 0 && vocabulary.KindOf(id) is (TokenKind.Control or TokenKind.UserDefined))];
        if (ids.Length == 0)
        {
            return sampling;
        }

        Dictionary<int, float> bias = new(sampling.LogitBias ?? new Dictionary<int, float>());
        foreach (int id in ids)
        {
            bias[id] = float.NegativeInfinity;
        }

        return sampling with { LogitBias = bias };
    }
}
