using System.Runtime.CompilerServices;
using System.Text.Json;
using CpuMoe.Grammars.Json;
using CpuMoe.Grammars.Masks;
using CpuMoe.Grammars.Regex;
using CpuMoe.Text;

namespace CpuMoe.Grammars;

/// <summary>
/// The texts that a model may write: a context-free grammar over bytes and special tokens. Immutable; keep and reuse it,
/// as it also keeps what was found out about the tokens of a vocabulary.
/// </summary>
public sealed class Grammar
{
    private const int DefaultDepth = 256;

    private readonly GrammarRule[] _rules;
    private readonly int _root;
    private readonly int _maxDepth;
    private readonly ConditionalWeakTable<Tokenizer, TokenGrammar> _compiled = [];

    /// <summary>Creates a grammar from its rules.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="root">The rule of the whole text.</param>
    /// <param name="maxDepth">How deep rules may be nested in a text; what would be nested deeper is not offered to the model.</param>
    internal Grammar(GrammarRules rules, RuleExpression root, int maxDepth = DefaultDepth) => (_rules, _root, _maxDepth) = (rules.ToArray(), root.Rule, maxDepth);

    /// <summary>Any JSON object, with single spaces or indented lines; nested at most <see cref="JsonValues.MaxDepth"/> deep.</summary>
    public static Grammar JsonObject { get; } = JsonValues.ObjectGrammar();

    /// <summary>Reads a grammar in GBNF, the format of llama.cpp. The whole text is the rule <c>root</c>.</summary>
    /// <exception cref="GrammarException">The text is malformed; says where and why.</exception>
    public static Grammar FromGbnf(string gbnf)
    {
        ArgumentNullException.ThrowIfNull(gbnf);
        return GbnfParser.Parse(gbnf);
    }

    /// <summary>The JSON texts that a JSON schema accepts.</summary>
    /// <remarks>
    /// A part of them, to be precise: properties come in the order of the schema, and such as are not declared only where
    /// <c>additionalProperties</c> asks for them; numbers have at most 15 digits; white space is a space or a line break
    /// with its indent. Supported are type, nullable, enum, const, anyOf, oneOf (of alternatives that exclude each other),
    /// allOf, $ref within the document, $defs, properties, required, additionalProperties, propertyNames (without
    /// properties), minProperties, maxProperties, items, prefixItems, minItems, maxItems, minLength, maxLength, pattern,
    /// format (date, time, date-time, uuid, email, ipv4, hostname, uri), minimum, maximum, exclusiveMinimum,
    /// exclusiveMaximum and multipleOf (of powers of ten, and small numbers for integers). What only describes is ignored.
    /// </remarks>
    /// <param name="schema">An object, true or false.</param>
    /// <param name="isStrict">Whether a keyword that cannot be enforced is a fault; otherwise it is ignored.</param>
    /// <exception cref="GrammarException">The schema is malformed, cannot be satisfied, or not be enforced; the place is a JSON pointer.</exception>
    public static Grammar FromJsonSchema(JsonElement schema, bool isStrict = true) => JsonSchemaCompiler.Compile(schema, isStrict);

    /// <summary>The JSON texts that a JSON schema accepts, as <see cref="FromJsonSchema(JsonElement, bool)"/>.</summary>
    /// <exception cref="GrammarException">The text is not JSON, or the schema cannot be used.</exception>
    public static Grammar FromJsonSchema(string schema, bool isStrict = true)
    {
        ArgumentNullException.ThrowIfNull(schema);
        try
        {
            using var document = JsonDocument.Parse(schema);
            return FromJsonSchema(document.RootElement, isStrict);
        }
        catch (JsonException fault)
        {
            throw new GrammarException($"The schema is not valid JSON: {fault.Message}", null, fault);
        }
    }

    /// <summary>The texts that a regular expression matches as a whole.</summary>
    /// <remarks>Characters, classes, groups, alternatives and quantifiers; no look-around, references or inner anchors.</remarks>
    /// <exception cref="GrammarException">The pattern is malformed or not supported; says where and why.</exception>
    public static Grammar FromRegex(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        GrammarRules rules = new();
        return new Grammar(rules, rules.Add("root", RegexParser.Parse(pattern).ToExpression(Utf8.OneOf)));
    }

    /// <summary>One of some texts.</summary>
    /// <exception cref="GrammarException">There is none.</exception>
    public static Grammar FromChoices(params IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0)
        {
            throw new GrammarException("There is no text to choose from.");
        }

        GrammarRules rules = new();
        return new Grammar(rules, rules.Add("root", Expression.Choice([.. texts.Select(Expression.Literal)])));
    }

    /// <summary>The texts of this grammar as the answer of a chat model: after up to two line breaks and, if it thinks, after its thought.</summary>
    /// <param name="thought">Whether a thought comes before.</param>
    public Grammar AsAnswer(Thought thought)
    {
        GrammarRules rules = CopyRules();
        RuleExpression root = rules.Add("reply", Expression.Sequence(ThoughtRules.Before(thought, rules), ThoughtRules.LineBreaks, Root));
        return new Grammar(rules, root, _maxDepth + 2);
    }

    /// <summary>The rule of the whole text, by its index among <see cref="CopyRules"/>.</summary>
    internal RuleExpression Root => new(_root);

    /// <summary>How deep rules may be nested in a text.</summary>
    internal int MaxDepth => _maxDepth;

    /// <summary>A collection that begins with the rules of this grammar.</summary>
    internal GrammarRules CopyRules() => new(_rules);

    /// <summary>Prepares to hold one text to the grammar; compiles it at the first use with a tokenizer.</summary>
    /// <exception cref="GrammarException">The grammar is left-recursive, too large, or no text matches.</exception>
    public GrammarConstraint CreateConstraint(Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return new GrammarConstraint(Compiled(tokenizer), tokenizer.Vocabulary);
    }

    /// <summary>The grammar over the tokens of a vocabulary.</summary>
    internal TokenGrammar Compiled(Tokenizer tokenizer) => _compiled.GetValue(tokenizer, t => new TokenGrammar(_rules, _root, _maxDepth, t));
}
