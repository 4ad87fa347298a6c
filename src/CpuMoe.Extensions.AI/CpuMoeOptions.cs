using CpuMoe.Chat.Templates;
using CpuMoe.Generation;
using CpuMoe.Models;
using CpuMoe.Serving;

namespace CpuMoe.Extensions.AI;

/// <summary>What a chat client loads and how it answers where a request does not say.</summary>
public sealed class CpuMoeOptions
{
    /// <summary>The GGUF file of the model; of a split model its first part. Must be set.</summary>
    public string ModelPath { get; set; } = "";

    /// <summary>The name of the model in requests and answers; null for that of the file, without its ending and the number of the part.</summary>
    public string? ModelId { get; set; }

    /// <summary>How the model is loaded: threads, memory budget.</summary>
    public ModelOptions Model { get; set; } = new();

    /// <summary>How many requests run side by side, how many wait, and the length of the context.</summary>
    public SchedulerOptions Scheduler { get; set; } = new();

    /// <summary>A file with a Jinja chat template that takes the place of the model's; null for none.</summary>
    public string? ChatTemplatePath { get; set; }

    /// <summary>How tokens are chosen where a request does not say.</summary>
    public GenerationOptions Generation { get; set; } = new();

    /// <summary>Whether the model thinks where a request does not say; null leaves that to its template.</summary>
    public bool? Thinking { get; set; }

    /// <summary>The most tokens of a thought where a request does not say; null for no limit.</summary>
    public int? ThinkingBudget { get; set; }

    /// <summary>Loads the chat template.</summary>
    internal ChatTemplate? LoadTemplate(LanguageModel model) =>
        ChatTemplatePath is null ? null : ChatTemplate.Parse(File.ReadAllText(ChatTemplatePath), model.Tokenizer.Vocabulary);
}
