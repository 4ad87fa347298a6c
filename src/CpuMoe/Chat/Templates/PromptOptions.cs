using System.Text.Json;

namespace CpuMoe.Chat.Templates;

/// <summary>What a prompt is made of beside the messages.</summary>
public sealed record PromptOptions
{
    /// <summary>The tools that the model may call, in the order in which it reads of them.</summary>
    public IReadOnlyList<ToolDefinition> Tools { get; init; } = [];

    /// <summary>Whether the prompt ends where the assistant is to answer.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>
    /// Whether the model may think before it answers; null leaves that to the template. Templates know it as
    /// <c>enable_thinking</c> (GLM, Qwen3, SmolLM3) or <c>thinking</c> (DeepSeek V3.1), and some not at all.
    /// </summary>
    public bool? EnableThinking { get; init; }

    /// <summary>
    /// More variables of the template, such as <c>reasoning_effort</c>. They win over <see cref="EnableThinking"/>, but
    /// not over the messages, tools and tokens. Strings in them never act as control tokens.
    /// </summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>What the rendering may use.</summary>
    public TemplateLimits Limits { get; init; } = new();

    /// <summary>Where a template that writes the date gets it.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
