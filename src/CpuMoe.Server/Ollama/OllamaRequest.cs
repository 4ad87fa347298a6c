using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Hosting;
using CpuMoe.Server.OpenAi;
using CpuMoe.Server.Requests;
using CpuMoe.Serving;

namespace CpuMoe.Server.Ollama;

/// <summary>A request to <c>/api/chat</c> or <c>/api/generate</c>.</summary>
/// <param name="Model">Who answers.</param>
/// <param name="ModelName">The name under which it was asked.</param>
/// <param name="IsChat">Whether the answer is told as that of a chat.</param>
/// <param name="IsStream">Whether it is streamed, as it is unless the request says otherwise.</param>
internal sealed record OllamaRequest(ServedModel Model, string ModelName, bool IsChat, bool IsStream)
{
    private static readonly RequestValue NoOptions = new(JsonElement.Parse("{}"), "options");

    /// <summary>What is asked; null for a prompt without a template, and where the model is only to be loaded.</summary>
    public ChatRequest? Chat { get; init; }

    /// <summary>A prompt without a template; null otherwise.</summary>
    public int[]? RawPrompt { get; init; }

    /// <summary>How <see cref="RawPrompt"/> is continued.</summary>
    public GenerationOptions RawOptions { get; init; } = new();

    /// <summary>Reads and checks a request to <c>/api/chat</c>.</summary>
    /// <exception cref="ApiException">A field cannot be accepted.</exception>
    public static OllamaRequest ReadChat(RequestValue body, ServerContext server)
    {
        OllamaRequest frame = ReadFrame(body, server, isChat: true);
        ChatRequest chat = ReadOptions(body, frame.Model, server) with
        {
            Messages = body.Member("messages") is { } messages ? OllamaMessages.Read(messages) : [],
            Tools = ToolReader.ReadTools(body.Member("tools")),
        };
        return chat.Messages.Count == 0 ? frame : frame with { Chat = chat };
    }

    /// <summary>Reads and checks a request to <c>/api/generate</c>.</summary>
    /// <exception cref="ApiException">A field cannot be accepted.</exception>
    public static OllamaRequest ReadGenerate(RequestValue body, ServerContext server)
    {
        OllamaRequest frame = ReadFrame(body, server, isChat: false);
        OllamaMessages.RefuseImages(body);
        RefuseText(body.Member("suffix"), "this server does not fill in the middle");
        RefuseText(body.Member("template"), "the template is that of the model; 'raw' does without");
        if (body.Member("context") is { } context && context.Items().Count > 0)
        {
            throw context.Fault("absent, as this server keeps no state; send the conversation to /api/chat");
        }

        ChatRequest chat = ReadOptions(body, frame.Model, server);
        string system = body.Member("system")?.AsString() ?? "";
        bool isRaw = body.Member("raw")?.AsBool() ?? false;
        if (body.Member("prompt") is not { } prompt || prompt.AsString().Length == 0)
        {
            return frame;
        }

        if (isRaw)
        {
            return frame with
            {
                RawPrompt = CompletionRequest.ReadPrompt(prompt, frame.Model.Scheduler.Model.Tokenizer),
                RawOptions = chat.Generation with { Grammar = chat.AnswerGrammar },
            };
        }

        ChatMessage question = new(ChatRole.User, prompt.AsString());
        return frame with { Chat = chat with { Messages = system.Length > 0 ? [new ChatMessage(ChatRole.System, system), question] : [question] } };
    }

    private static OllamaRequest ReadFrame(RequestValue body, ServerContext server, bool isChat)
    {
        string name = body.Required("model").AsString();
        return new OllamaRequest(OllamaModels.Resolve(server, name), name, isChat, body.Member("stream")?.AsBool() ?? true);
    }

    private static ChatRequest ReadOptions(RequestValue body, ServedModel model, ServerContext server)
    {
        RequestValue options = body.Member("options") ?? NoOptions;
        options.Member("num_ctx")?.AsInt(1);
        (bool? thinks, Dictionary<string, JsonElement> variables) = ReadThinking(body.Member("think"));
        return new ChatRequest
        {
            Messages = [],
            AnswerGrammar = ReadFormat(body.Member("format"), server.Schemas),
            Thinking = thinks,
            TemplateVariables = variables,
            Generation = new GenerationOptions
            {
                MaxTokens = ReadLimit(options.Member("num_predict")),
                Sampling = SamplingReader.Read(options, model.Scheduler.Model.Tokenizer.Vocabulary),
                StopStrings = SamplingReader.ReadStops(options.Member("stop")),
                Logprobs = ChatCompletionRequest.ReadLogprobs(body),
            },
        };
    }

    private static int ReadLimit(RequestValue? limit) =>
        limit is not { } value ? 0 : value.AsInt(-2) is var number && number != 0 ? Math.Max(0, number) : throw value.Fault("a number of tokens, or -1 for no limit");

    private static (bool? Wanted, Dictionary<string, JsonElement> Variables) ReadThinking(RequestValue? think)
    {
        if (think is not { Kind: JsonValueKind.String } effort)
        {
            return (think?.AsBool(), []);
        }

        effort.AsOneOf("low", "medium", "high");
        return (true, new Dictionary<string, JsonElement> { ["reasoning_effort"] = effort.Element });
    }

    private static Grammar? ReadFormat(RequestValue? format, SchemaCache schemas) => format switch
    {
        null => null,
        { Kind: JsonValueKind.String } word => word.AsOneOf("json", "") == "json" ? Grammar.JsonObject : null,
        { Kind: JsonValueKind.Object } schema => schemas.Get(schema, isStrict: false),
        { } other => throw other.Fault("\"json\" or a JSON schema"),
    };

    private static void RefuseText(RequestValue? value, string reason)
    {
        if (value is { } text && text.AsString().Length > 0)
        {
            throw text.Fault($"absent, as {reason}");
        }
    }
}
