using System.Text.Json;
using CpuMoe.Grammars;
using Microsoft.Extensions.AI;

namespace CpuMoe.Extensions.AI;

/// <summary>The grammars of response formats. The last ones are kept: a grammar is the faster the longer it is in use. Safe for concurrent use.</summary>
internal sealed class ResponseGrammars
{
    private const int Capacity = 16;
    private const string AnyJson = "{}";

    private readonly Dictionary<string, Grammar> _known = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>What the answer must be by a response format or a grammar in GBNF; null where it may be anything.</summary>
    /// <exception cref="GrammarException">Malformed, or not to be enforced.</exception>
    /// <exception cref="ArgumentException">Both are given.</exception>
    public Grammar? Of(ChatResponseFormat? format, string? gbnf)
    {
        var json = format as ChatResponseFormatJson;
        if (gbnf is not null)
        {
            return json is null ? Known(gbnf, Grammar.FromGbnf)
                : throw new ArgumentException("A response format and a grammar exclude each other; give one of them.");
        }

        return json is null ? null : Known(json.Schema is { } schema ? JsonSerializer.Serialize(schema, PlainJson.Default.JsonElement) : AnyJson, text => Grammar.FromJsonSchema(text));
    }

    private Grammar Known(string text, Func<string, Grammar> compile)
    {
        lock (_lock)
        {
            if (_known.TryGetValue(text, out Grammar? grammar))
            {
                return grammar;
            }
        }

        Grammar compiled = compile(text);
        lock (_lock)
        {
            if (_known.Count >= Capacity)
            {
                _known.Clear();
            }

            return _known[text] = compiled;
        }
    }
}
