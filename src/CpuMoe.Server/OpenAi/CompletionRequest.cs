using System.Text.Json;
using CpuMoe.Generation;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Hosting;
using CpuMoe.Server.Requests;
using CpuMoe.Text;

namespace CpuMoe.Server.OpenAi;

/// <summary>A request to <c>/v1/completions</c>: prompts that are continued as they are, without a template.</summary>
/// <param name="Model">Who continues.</param>
/// <param name="ModelName">The name under which it was asked.</param>
/// <param name="Prompts">The prompts.</param>
/// <param name="Generation">How they are continued.</param>
/// <param name="Choices">How many continuations of each prompt.</param>
/// <param name="Echo">Whether they begin with their prompt.</param>
/// <param name="Stream">How the answer is streamed; null where it is not.</param>
internal sealed record CompletionRequest(ServedModel Model, string ModelName, IReadOnlyList<int[]> Prompts, GenerationOptions Generation, int Choices, bool Echo, StreamOptions? Stream)
{
    private const int DefaultTokens = 16;
    private const int MostLogprobs = 20;

    /// <summary>The prompt of one of the continuations.</summary>
    public int[] PromptOf(int index) => Prompts[index / Choices];

    /// <summary>Reads and checks a request.</summary>
    /// <exception cref="ApiException">A field cannot be accepted.</exception>
    public static CompletionRequest Read(RequestValue body, ServerContext server)
    {
        string? name = body.Member("model")?.AsString();
        ServedModel model = server.Models.Resolve(name);
        Tokenizer tokenizer = model.Scheduler.Model.Tokenizer;
        int? logprobs = body.Member("logprobs")?.AsInt(0, MostLogprobs);
        bool echo = body.Member("echo")?.AsBool() ?? false;
        if (body.Member("suffix") is { } suffix && suffix.AsString().Length > 0)
        {
            throw suffix.Fault("absent, as this server does not fill in the middle");
        }

        int choices = body.Member("n")?.AsInt(1, server.Options.MaxChoices) ?? 1;
        if (body.Member("best_of") is { } best && best.AsInt(1) != choices)
        {
            throw best.Fault("absent or the same as 'n'");
        }

        RequestValue prompt = body.Required("prompt");
        IReadOnlyList<int[]> prompts = ReadPrompts(prompt, tokenizer);
        if (prompts.Count * choices > server.Options.MaxChoices)
        {
            throw ApiException.Invalid("prompt", $"{prompts.Count} prompts with {choices} choices each are more than the {server.Options.MaxChoices} continuations that one request may have.");
        }

        GenerationOptions generation = new()
        {
            MaxTokens = body.Member("max_tokens")?.AsInt(1) ?? DefaultTokens,
            Sampling = SamplingReader.Read(body, tokenizer.Vocabulary),
            StopStrings = SamplingReader.ReadStops(body.Member("stop")),
            Logprobs = logprobs,
            PromptLogprobs = echo && logprobs is not null,
        };
        return new CompletionRequest(model, name ?? model.Name, prompts, generation, choices, echo, StreamOptions.Read(body));
    }

    private static IReadOnlyList<int[]> ReadPrompts(RequestValue prompt, Tokenizer tokenizer)
    {
        if (prompt.Kind == JsonValueKind.String)
        {
            return [ReadPrompt(prompt, tokenizer)];
        }

        if (prompt.Kind != JsonValueKind.Array || prompt.Element.GetArrayLength() == 0)
        {
            throw prompt.Fault("a string, an array of strings, an array of token ids, or an array of such arrays");
        }

        List<RequestValue> items = prompt.Items();
        return items[0].Kind == JsonValueKind.Number ? [ReadPrompt(prompt, tokenizer)] : [.. items.Select(item => ReadPrompt(item, tokenizer))];
    }

    /// <summary>A prompt, as text or as tokens. Unlike in a chat it is the caller's own: special tokens written in it count.</summary>
    internal static int[] ReadPrompt(RequestValue prompt, Tokenizer tokenizer)
    {
        Vocabulary vocabulary = tokenizer.Vocabulary;
        int[] ids;
        if (prompt.Kind == JsonValueKind.Array)
        {
            ids = [.. prompt.Items().Select(id => id.AsInt(0, vocabulary.Count - 1))];
        }
        else
        {
            ids = tokenizer.Encode(prompt.AsString(), parseSpecial: true);
            ids = vocabulary.AddBos && (ids.Length == 0 || ids[0] != vocabulary.Bos) ? [vocabulary.Bos, .. ids] : ids;
        }

        return ids.Length > 0 ? ids : throw ApiException.Invalid(prompt.Place, $"'{prompt.Place}' must not be empty.");
    }
}
