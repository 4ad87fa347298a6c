using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Hosting;
using CpuMoe.Server.OpenAi;
using CpuMoe.Server.Requests;
using CpuMoe.Serving;

namespace CpuMoe.Server.Responses;

/// <summary>A request to <c>/v1/responses</c>.</summary>
/// <param name="Model">Who answers.</param>
/// <param name="Chat">What is asked.</param>
/// <param name="Frame">The answer before it begins, which repeats much of the request.</param>
/// <param name="IsStream">Whether it is streamed.</param>
/// <param name="SealsThoughts">Whether thoughts are also told in the form that clients send back.</param>
internal sealed record ResponseRequest(ServedModel Model, ChatRequest Chat, Response Frame, bool IsStream, bool SealsThoughts)
{
    private static readonly JsonElement NoTools = JsonElement.Parse("[]");
    private static readonly JsonElement AutoChoice = JsonElement.Parse("\"auto\"");
    private static readonly JsonElement NoMetadata = JsonElement.Parse("{}");
    private static readonly JsonElement AnyText = JsonElement.Parse("""{"format":{"type":"text"}}""");

    /// <summary>Reads and checks a request.</summary>
    /// <exception cref="ApiException">A field cannot be accepted.</exception>
    public static ResponseRequest Read(RequestValue body, ServerContext server)
    {
        string? name = body.Member("model")?.AsString();
        ServedModel model = server.Models.Resolve(name);
        RefuseWhatIsMissing(body);
        Thinking thinking = Thinking.Read(body);
        IReadOnlyList<ToolDefinition> tools = ToolReader.ReadTools(body.Member("tools"), FunctionOf);
        ToolChoice choice = ToolChoice.Read(body.Member("tool_choice"), tools);
        ChatRequest chat = new()
        {
            Messages = InputReader.Read(body),
            Tools = tools,
            ToolMode = choice.Mode,
            AllowedTools = choice.Allowed,
            AllowParallelToolCalls = body.Member("parallel_tool_calls")?.AsBool() ?? true,
            AnswerGrammar = ChatCompletionRequest.ReadFormat(body.Member("text")?.Member("format"), server.Schemas),
            Thinking = thinking.Wanted,
            ThinkingBudget = thinking.Budget,
            TemplateVariables = thinking.Variables,
            Generation = new GenerationOptions
            {
                MaxTokens = body.Member("max_output_tokens")?.AsInt(1) ?? 0,
                Sampling = SamplingReader.Read(body, model.Scheduler.Model.Tokenizer.Vocabulary),
            },
        };
        Response frame = new(RandomId.Create("resp_"), DateTimeOffset.UtcNow.ToUnixTimeSeconds(), name ?? model.Name)
        {
            Instructions = body.Member("instructions")?.AsString(),
            MaxOutputTokens = body.Member("max_output_tokens")?.AsInt(1),
            ParallelToolCalls = chat.AllowParallelToolCalls,
            Temperature = chat.Generation.Sampling.Temperature,
            TopP = chat.Generation.Sampling.TopP,
            Tools = body.Member("tools")?.Element ?? NoTools,
            ToolChoice = body.Member("tool_choice")?.Element ?? AutoChoice,
            Text = body.Member("text")?.Element ?? AnyText,
            Reasoning = body.Member("reasoning")?.Element,
            Metadata = body.Member("metadata")?.Element ?? NoMetadata,
        };
        bool seals = (body.Member("include")?.Items() ?? []).Any(item => item.AsString() == "reasoning.encrypted_content");
        return new ResponseRequest(model, chat, frame, body.Member("stream")?.AsBool() ?? false, seals);
    }

    // Searching the web and the like are for others' servers.
    private static RequestValue? FunctionOf(RequestValue tool) => tool.Required("type").AsString() == "function" ? tool : null;

    private static void RefuseWhatIsMissing(RequestValue body)
    {
        foreach (string state in (string[])["previous_response_id", "conversation", "prompt"])
        {
            if (body.Member(state) is not null)
            {
                throw ApiException.Invalid(state, $"'{state}' is not supported, as this server keeps no state; send the whole conversation in 'input'.");
            }
        }

        if (body.Member("background")?.AsBool() ?? false)
        {
            throw ApiException.Invalid("background", "'background' is not supported, as this server keeps no state; use 'stream'.");
        }

        bool wantsLogprobs = (body.Member("include")?.Items() ?? []).Any(item => item.AsString() == "message.output_text.logprobs") || body.Member("top_logprobs")?.AsInt(0) > 0;
        if (wantsLogprobs)
        {
            throw ApiException.Invalid(body.Member("top_logprobs") is null ? "include" : "top_logprobs", "Probabilities are not told here; use /v1/chat/completions with 'logprobs'.");
        }
    }
}
