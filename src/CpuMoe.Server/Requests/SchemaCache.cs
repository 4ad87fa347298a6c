using System.Collections.Concurrent;
using System.Text.Json;
using CpuMoe.Grammars;
using CpuMoe.Server.Errors;

namespace CpuMoe.Server.Requests;

/// <summary>Keeps grammars of schemas: agents send the same ones again and again, and a grammar remembers what it found out.</summary>
internal sealed class SchemaCache
{
    private const int MaxCount = 64;
    private const int MaxLength = 1 << 18;

    private readonly ConcurrentDictionary<(string Schema, bool IsStrict), Grammar> _grammars = new();

    /// <summary>The grammar of a schema.</summary>
    /// <param name="schema">The schema in the request.</param>
    /// <param name="isStrict">Whether a keyword that cannot be enforced is a fault.</param>
    /// <exception cref="ApiException">The schema cannot be used.</exception>
    public Grammar Get(RequestValue schema, bool isStrict)
    {
        if (schema.Kind is not (JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False))
        {
            throw schema.Fault("a JSON schema");
        }

        string text = schema.Element.GetRawText();
        if (text.Length > MaxLength)
        {
            throw schema.Fault($"a schema of at most {MaxLength} characters");
        }

        if (_grammars.TryGetValue((text, isStrict), out Grammar? known))
        {
            return known;
        }

        try
        {
            var grammar = Grammar.FromJsonSchema(schema.Element, isStrict);
            if (_grammars.Count >= MaxCount)
            {
                _grammars.Clear();
            }

            return _grammars.GetOrAdd((text, isStrict), grammar);
        }
        catch (GrammarException fault)
        {
            throw new ApiException(new ApiError(ApiErrorKind.InvalidRequest, $"'{schema.Place}' cannot be enforced: {fault.Message}") { Parameter = schema.Place }, fault);
        }
    }
}
