using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Grammars;

namespace CpuMoe.Serving;

/// <summary>Whether a reply must call tools.</summary>
public enum ToolMode
{
    /// <summary>The model decides.</summary>
    Auto,

    /// <summary>The model sees the tools, but does not call them.</summary>
    None,

    /// <summary>The reply is at least one call.</summary>
    Required,
}

/// <summary>A conversation to be continued by the model.</summary>
public sealed record ChatRequest
{
    /// <summary>The messages, oldest first.</summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>The tools that the model may call, in the order in which it reads of them.</summary>
    public IReadOnlyList<ToolDefinition> Tools { get; init; } = [];

    /// <summary>Whether the reply must call tools; enforced by the choice of tokens.</summary>
    public ToolMode ToolMode { get; init; }

    /// <summary>The names of the tools that may be called, of those in <see cref="Tools"/>; null for all.</summary>
    public IReadOnlyList<string>? AllowedTools { get; init; }

    /// <summary>Whether a reply may hold several calls; where not, it ends after the first.</summary>
    public bool AllowParallelToolCalls { get; init; } = true;

    /// <summary>
    /// Whether the last message is the beginning of the reply, which goes on from there. It is a message of the assistant
    /// without calls and without white space at its end; nothing else may shape the answer then, and there is no thought.
    /// </summary>
    public bool ContinueReply { get; init; }

    /// <summary>What the answer must be; the thought before it is free. Null allows anything.</summary>
    public Grammar? AnswerGrammar { get; init; }

    /// <summary>Whether the model may think before it answers; null leaves that to its template.</summary>
    public bool? Thinking { get; init; }

    /// <summary>The most tokens of a thought; it is closed then and the answer begins. Null for no limit.</summary>
    public int? ThinkingBudget { get; init; }

    /// <summary>More variables of the chat template.</summary>
    public IReadOnlyDictionary<string, JsonElement> TemplateVariables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>How tokens are chosen and when the reply ends. Its grammar must be null: see <see cref="AnswerGrammar"/>.</summary>
    public GenerationOptions Generation { get; init; } = new();
}
