using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Hosting;
using CpuMoe.Server.Requests;
using CpuMoe.Serving;

namespace CpuMoe.Server.OpenAi;

/// <summary>A request to <c>/v1/chat/completions</c>.</summary>
/// <param name="Model">Who answers.</param>
/// <param name="ModelName">The name under which it was asked.</param>
/// <param name="Chat">What is asked.</param>
/// <param name="Choices">How many answers.</param>
/// <param name="Stream">How the answer is streamed; null where it is not.</param>
internal sealed record ChatCompletionRequest(ServedModel Model, string ModelName, ChatRequest Chat, int Choices, StreamOptions? Stream)
{
    private const int MostTopLogprobs = 20;

    /// <summary>Whether the answer calls a function by <c>function_call</c> instead of <c>tool_calls</c>.</summary>
    public bool CallsFunctions { get; init; }

    /// <summary>Reads and checks a request.</summary>
    /// <exception cref="ApiException">A field cannot be accepted.</exception>
    public static ChatCompletionRequest Read(RequestValue body, ServerContext server)
    {
        string? name = body.Member("model")?.AsString();
        ServedModel model = server.Models.Resolve(name);
        RefuseWhatIsMissing(body);
        bool callsFunctions = LegacyFunctions.AreIn(body);
        Thinking thinking = Thinking.Read(body);
        IReadOnlyList<ToolDefinition> tools = callsFunctions ? LegacyFunctions.ReadTools(body.Required("functions")) : ToolReader.ReadTools(body.Member("tools"));
        ToolChoice choice = callsFunctions ? LegacyFunctions.ReadChoice(body.Member("function_call"), tools) : ToolChoice.Read(body.Member("tool_choice"), tools);
        ChatRequest chat = new()
        {
            Messages = MessageReader.Read(body.Required("messages")),
            ContinueReply = body.Member("continue_final_message")?.AsBool() ?? false,
            Tools = tools,
            ToolMode = choice.Mode,
            AllowedTools = choice.Allowed,
            AllowParallelToolCalls = !callsFunctions && (body.Member("parallel_tool_calls")?.AsBool() ?? true),
            AnswerGrammar = ReadFormat(body.Member("response_format"), server.Schemas),
            Thinking = thinking.Wanted,
            ThinkingBudget = thinking.Budget,
            TemplateVariables = thinking.Variables,
            Generation = new GenerationOptions
            {
                MaxTokens = (body.Member("max_completion_tokens") ?? body.Member("max_tokens"))?.AsInt(1) ?? 0,
                Sampling = SamplingReader.Read(body, model.Scheduler.Model.Tokenizer.Vocabulary),
                StopStrings = SamplingReader.ReadStops(body.Member("stop")),
                Logprobs = ReadLogprobs(body),
            },
        };
        return new ChatCompletionRequest(model, name ?? model.Name, chat, body.Member("n")?.AsInt(1, server.Options.MaxChoices) ?? 1, StreamOptions.Read(body)) { CallsFunctions = callsFunctions };
    }

    /// <summary>The grammar of <c>response_format</c>, in the forms of chat completions, of responses and of llama.cpp; null for any text.</summary>
    internal static Grammar? ReadFormat(RequestValue? format, SchemaCache schemas)
    {
        if (format is not { } value)
        {
            return null;
        }

        string type = value.Required("type").AsOneOf("text", "json_object", "json_schema");
        RequestValue? named = type == "json_schema" ? value.Member("json_schema") : null;
        RequestValue? schema = type == "text" ? null : named?.Member("schema") ?? value.Member("schema");
        bool isStrict = (named ?? value).Member("strict")?.AsBool() ?? false;
        return type == "text" ? null : schema is null ? Grammar.JsonObject : schemas.Get(schema.Value, isStrict);
    }

    /// <summary>How many of the likeliest tokens are told beside each; null where none are asked for.</summary>
    internal static int? ReadLogprobs(RequestValue body)
    {
        bool wanted = body.Member("logprobs")?.AsBool() ?? false;
        RequestValue? top = body.Member("top_logprobs");
        int count = top?.AsInt(0, MostTopLogprobs) ?? 0;
        return wanted ? count : top is null ? null : throw ApiException.Invalid("top_logprobs", "'top_logprobs' needs 'logprobs' to be true.");
    }

    private static void RefuseWhatIsMissing(RequestValue body)
    {
        foreach (RequestValue modality in body.Member("modalities")?.Items() ?? [])
        {
            modality.AsOneOf("text");
        }

        if (body.Member("audio") is { Kind: not JsonValueKind.False })
        {
            throw ApiException.Invalid("audio", "'audio' is not supported; this model reads and writes text.");
        }
    }
}
