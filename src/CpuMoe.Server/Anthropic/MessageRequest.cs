using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Hosting;
using CpuMoe.Server.Requests;
using CpuMoe.Serving;

namespace CpuMoe.Server.Anthropic;

/// <summary>A request to <c>/v1/messages</c> or <c>/v1/messages/count_tokens</c>.</summary>
/// <param name="Model">Who answers.</param>
/// <param name="ModelName">The name under which it was asked.</param>
/// <param name="Chat">What is asked.</param>
/// <param name="IsStream">Whether the answer is streamed.</param>
internal sealed record MessageRequest(ServedModel Model, string ModelName, ChatRequest Chat, bool IsStream)
{
    /// <summary>Reads and checks a request.</summary>
    /// <param name="body">The body.</param>
    /// <param name="server">What all requests share.</param>
    /// <param name="isCount">Whether its tokens are only to be counted, so that no limit is needed.</param>
    /// <exception cref="ApiException">A field cannot be accepted.</exception>
    public static MessageRequest Read(RequestValue body, ServerContext server, bool isCount)
    {
        string name = body.Required("model").AsString();
        ServedModel model = server.Models.Resolve(name);
        body.Member("temperature")?.AsNumber(0, 1);
        Thinking thinking = Thinking.Read(body);
        Dictionary<string, JsonElement> variables = new(thinking.Variables);
        RequestValue? output = body.Member("output_config");
        if (output?.Member("effort") is { } effort)
        {
            effort.AsOneOf("low", "medium", "high", "xhigh", "max");
            variables.TryAdd("reasoning_effort", effort.Element);
        }

        IReadOnlyList<ToolDefinition> tools = ToolReader.ReadTools(body.Member("tools"), ToolOf, "input_schema");
        RequestValue? choice = body.Member("tool_choice");
        ToolChoice toolChoice = ReadChoice(choice, tools);
        RequestValue? limit = body.Member("max_tokens") ?? (isCount ? null : body.Required("max_tokens"));
        IReadOnlyList<ChatMessage> messages = ConversationReader.Read(body);
        ChatRequest chat = new()
        {
            Messages = messages,
            ContinueReply = messages[^1].Role == ChatRole.Assistant,
            Tools = tools,
            ToolMode = toolChoice.Mode,
            AllowedTools = toolChoice.Allowed,
            AllowParallelToolCalls = !(choice?.Member("disable_parallel_tool_use")?.AsBool() ?? false),
            AnswerGrammar = ReadFormat(output?.Member("format") ?? body.Member("output_format"), server.Schemas),
            Thinking = thinking.Wanted ?? false, // Absent is off: that is how the API is defined, and how Claude Code switches it off.
            ThinkingBudget = thinking.Budget,
            TemplateVariables = variables,
            Generation = new GenerationOptions
            {
                MaxTokens = limit?.AsInt(1) ?? 0,
                Sampling = SamplingReader.Read(body, model.Scheduler.Model.Tokenizer.Vocabulary),
                StopStrings = body.Member("stop_sequences") is { } stops ? ReadStops(stops) : [],
            },
        };
        return new MessageRequest(model, name, chat, body.Member("stream")?.AsBool() ?? false);
    }

    /// <summary>A tool that the model may call; null for those that it is not shown, and for those of Anthropic's own servers.</summary>
    private static RequestValue? ToolOf(RequestValue tool)
    {
        bool isCustom = tool.Member("type") is not { } type || type.AsString() == "custom";
        return isCustom && !(tool.Member("defer_loading")?.AsBool() ?? false) ? tool : null;
    }

    private static ToolChoice ReadChoice(RequestValue? choice, IReadOnlyList<ToolDefinition> tools)
    {
        if (choice is not { } value)
        {
            return new ToolChoice(ToolMode.Auto, null);
        }

        ToolChoice result = value.Required("type").AsOneOf("auto", "any", "tool", "none") switch
        {
            "any" => new ToolChoice(ToolMode.Required, null),
            "tool" => new ToolChoice(ToolMode.Required, [ToolChoice.ReadName(value, tools)]),
            "none" => new ToolChoice(ToolMode.None, null),
            _ => new ToolChoice(ToolMode.Auto, null),
        };
        return result.Check(value, tools);
    }

    private static Grammar? ReadFormat(RequestValue? format, SchemaCache schemas)
    {
        if (format is not { } value)
        {
            return null;
        }

        value.Required("type").AsOneOf("json_schema");
        return schemas.Get(value.Required("schema"), isStrict: false);
    }

    private static IReadOnlyList<string> ReadStops(RequestValue stops) =>
        stops.Kind == JsonValueKind.Array ? SamplingReader.ReadStops(stops) : throw stops.Fault("an array of strings");
}
