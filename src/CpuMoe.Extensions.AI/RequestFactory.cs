using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Serving;
using Microsoft.Extensions.AI;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace CpuMoe.Extensions.AI;

/// <summary>Turns messages and options of Microsoft.Extensions.AI into requests to the engine. Safe for concurrent use.</summary>
internal sealed class RequestFactory(string modelId, CpuMoeOptions defaults)
{
    private readonly ResponseGrammars _grammars = new();

    /// <summary>The request; neither messages nor options are changed.</summary>
    /// <exception cref="NotSupportedException">Something that the engine cannot do and that would change the answer.</exception>
    /// <exception cref="ArgumentException">An option out of range, or another model.</exception>
    public ChatRequest Create(IEnumerable<ChatMessage> messages, ChatOptions? options, IChatClient client)
    {
        options ??= new ChatOptions();
        Check(options);
        AdditionalValues more = new(options.AdditionalProperties);
        bool? thinking = more.Flag("enable_thinking") ?? ThinkingOf(options.Reasoning) ?? defaults.Thinking;
        return new ChatRequest
        {
            Messages = MessageReader.Read(messages, options.Instructions),
            Tools = [.. (options.Tools ?? []).OfType<AIFunctionDeclaration>().Select(DefinitionOf)],
            ToolMode = options.ToolMode switch
            {
                NoneChatToolMode => ToolMode.None,
                RequiredChatToolMode => ToolMode.Required,
                _ => ToolMode.Auto,
            },
            AllowedTools = options.ToolMode is RequiredChatToolMode { RequiredFunctionName: { } name } ? [name] : null,
            AllowParallelToolCalls = options.AllowMultipleToolCalls ?? true,
            AnswerGrammar = _grammars.Of(options.ResponseFormat, more.Text("grammar")),
            Thinking = thinking,
            ThinkingBudget = more.Integer("thinking_budget") ?? defaults.ThinkingBudget,
            TemplateVariables = VariablesOf(options.Reasoning, more),
            Generation = Merge(options.RawRepresentationFactory?.Invoke(client) as GenerationOptions, Read(options, more)),
        };
    }

    private void Check(ChatOptions options)
    {
        if (options.ModelId is { } id && !id.Equals(modelId, StringComparison.OrdinalIgnoreCase))
        {
            throw new ArgumentException($"The model '{id}' is not loaded; this client answers with '{modelId}'. Leave {nameof(ChatOptions.ModelId)} null or name that one.", nameof(options));
        }

        if (options.ConversationId is not null)
        {
            throw new NotSupportedException($"The client keeps no conversations: send all messages and leave {nameof(ChatOptions.ConversationId)} null.");
        }

        if (options.ContinuationToken is not null)
        {
            throw new NotSupportedException($"A response cannot be taken up again: leave {nameof(ChatOptions.ContinuationToken)} null.");
        }

        if (options.MaxOutputTokens is <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.MaxOutputTokens, $"{nameof(ChatOptions.MaxOutputTokens)} must be 1 or more, or null for no limit.");
        }
    }

    private GenerationOptions Read(ChatOptions options, AdditionalValues more)
    {
        SamplerOptions sampling = defaults.Generation.Sampling;
        return defaults.Generation with
        {
            MaxTokens = options.MaxOutputTokens ?? defaults.Generation.MaxTokens,
            StopStrings = options.StopSequences is { Count: > 0 } stops ? [.. stops] : defaults.Generation.StopStrings,
            Sampling = sampling with
            {
                Temperature = options.Temperature ?? sampling.Temperature,
                TopP = options.TopP ?? sampling.TopP,
                TopK = options.TopK ?? sampling.TopK,
                MinP = more.Number("min_p") ?? sampling.MinP,
                RepeatPenalty = more.Number("repeat_penalty") ?? sampling.RepeatPenalty,
                FrequencyPenalty = options.FrequencyPenalty ?? sampling.FrequencyPenalty,
                PresencePenalty = options.PresencePenalty ?? sampling.PresencePenalty,
                Seed = options.Seed is { } seed ? unchecked((ulong)seed) : sampling.Seed,
            },
        };
    }

    /// <summary>The engine's own options of a request, filled up where they are as they come by default.</summary>
    private static GenerationOptions Merge(GenerationOptions? own, GenerationOptions others)
    {
        if (own is null)
        {
            return others;
        }

        SamplerOptions unset = new(), mine = own.Sampling, theirs = others.Sampling;
        return own with
        {
            MaxTokens = own.MaxTokens == 0 ? others.MaxTokens : own.MaxTokens,
            StopStrings = own.StopStrings.Count == 0 ? others.StopStrings : own.StopStrings,
            Logprobs = own.Logprobs ?? others.Logprobs,
            Sampling = mine with
            {
                Temperature = mine.Temperature == unset.Temperature ? theirs.Temperature : mine.Temperature,
                TopP = mine.TopP == unset.TopP ? theirs.TopP : mine.TopP,
                TopK = mine.TopK == unset.TopK ? theirs.TopK : mine.TopK,
                MinP = mine.MinP == unset.MinP ? theirs.MinP : mine.MinP,
                RepeatPenalty = mine.RepeatPenalty == unset.RepeatPenalty ? theirs.RepeatPenalty : mine.RepeatPenalty,
                FrequencyPenalty = mine.FrequencyPenalty == unset.FrequencyPenalty ? theirs.FrequencyPenalty : mine.FrequencyPenalty,
                PresencePenalty = mine.PresencePenalty == unset.PresencePenalty ? theirs.PresencePenalty : mine.PresencePenalty,
                PenaltyWindow = mine.PenaltyWindow == unset.PenaltyWindow ? theirs.PenaltyWindow : mine.PenaltyWindow,
                LogitBias = mine.LogitBias ?? theirs.LogitBias,
                Seed = mine.Seed ?? theirs.Seed,
            },
        };
    }

    private static ToolDefinition DefinitionOf(AIFunctionDeclaration function) =>
        new(function.Name, function.Description.Length > 0 ? function.Description : null, JsonSerializer.Serialize(function.JsonSchema, PlainJson.Default.JsonElement));

    private static bool? ThinkingOf(ReasoningOptions? reasoning) => reasoning?.Effort switch
    {
        null => null,
        ReasoningEffort.None => false,
        _ => true,
    };

    /// <summary>The variables of the template: the effort as templates know it, and what the request adds.</summary>
    private static Dictionary<string, JsonElement> VariablesOf(ReasoningOptions? reasoning, AdditionalValues more)
    {
        Dictionary<string, JsonElement> variables = more.Members("chat_template_kwargs");
        string? effort = reasoning?.Effort switch
        {
            ReasoningEffort.Low => "low",
            ReasoningEffort.Medium => "medium",
            ReasoningEffort.High or ReasoningEffort.ExtraHigh => "high",
            _ => null,
        };
        if (effort is not null)
        {
            variables.TryAdd("reasoning_effort", JsonSerializer.SerializeToElement(effort, PlainJson.Default.String));
        }

        return variables;
    }
}
