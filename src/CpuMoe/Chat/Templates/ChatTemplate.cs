using CpuMoe.Text;

namespace CpuMoe.Chat.Templates;

/// <summary>A chat template: turns a conversation into the prompt that its model was trained on.</summary>
/// <remarks>
/// Templates are written in Jinja (https://jinja.palletsprojects.com/templates) and rendered as transformers does it.
/// They come with model files and can do nothing but make text, within the bounds of <see cref="TemplateLimits"/>.
/// Instances are immutable and may be used by several threads.
/// </remarks>
public sealed class ChatTemplate
{
    private readonly Block _root;
    private readonly IReadOnlySet<string> _variables;
    private readonly TextValue _bos;
    private readonly TextValue _eos;

    private ChatTemplate(string source, string bos, string eos)
    {
        Source = source;
        _root = TemplateParser.Parse(source, out _variables);
        _bos = TextValue.Trusted(bos);
        _eos = TextValue.Trusted(eos);
    }

    /// <summary>What was parsed.</summary>
    public string Source { get; }

    /// <summary>Parses a template.</summary>
    /// <param name="source">The Jinja source.</param>
    /// <param name="bosToken">The text of the token that begins a sequence; the template may write it.</param>
    /// <param name="eosToken">The text of the token that ends one.</param>
    /// <exception cref="ChatTemplateException">The source is malformed or uses what chat templates do not.</exception>
    public static ChatTemplate Parse(string source, string bosToken = "", string eosToken = "")
    {
        ArgumentNullException.ThrowIfNull(source);
        return new ChatTemplate(source, bosToken, eosToken);
    }

    /// <summary>Parses a template for the tokens of a model.</summary>
    /// <param name="source">The Jinja source, such as <see cref="Tokenizer.ChatTemplate"/>.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <exception cref="ChatTemplateException">The source is malformed or uses what chat templates do not.</exception>
    public static ChatTemplate Parse(string source, Vocabulary vocabulary)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        return Parse(source, TextOf(vocabulary.Bos), TextOf(vocabulary.Eos));

        string TextOf(int id) => id >= 0 ? vocabulary.TextOf(id) : "";
    }

    /// <summary>The template of a model itself.</summary>
    /// <exception cref="ChatTemplateException">The model has none, or it cannot be parsed.</exception>
    public static ChatTemplate Of(Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return tokenizer.ChatTemplate is { } source ? Parse(source, tokenizer.Vocabulary)
            : throw new ChatTemplateException("the model has no chat template; give it one, or continue plain text");
    }

    /// <summary>Whether <see cref="PromptOptions.EnableThinking"/> can make a difference.</summary>
    public bool KnowsThinking => PromptVariables.ThinkingSwitches.Any(_variables.Contains);

    /// <summary>Renders a conversation.</summary>
    /// <param name="messages">The messages, oldest first.</param>
    /// <param name="options">What else the prompt is made of.</param>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, fails on it, or reaches a limit.</exception>
    /// <exception cref="ArgumentException">A role that does not exist, a tool's schema that is no JSON object, or a variable that is no valid Unicode.</exception>
    public RenderedPrompt Render(IReadOnlyList<ChatMessage> messages, PromptOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new PromptOptions();
        Scope globals = new(outer: null);
        Globals.AddTo(globals);
        PromptVariables.AddTo(globals, messages, options);
        globals.Set("bos_token", _bos);
        globals.Set("eos_token", _eos);
        RenderContext context = new(new RenderBudget(options.Limits), new Scope(globals), options.Clock);
        _root.Execute(context);
        return new RenderedPrompt(context.Output.ToValue());
    }
}
