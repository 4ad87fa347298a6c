using BenchmarkDotNet.Attributes;
using CpuMoe.Gguf;
using CpuMoe.Grammars;
using CpuMoe.Grammars.Automata;
using CpuMoe.Grammars.Masks;
using CpuMoe.Quantization;
using CpuMoe.Synth;
using CpuMoe.Text;

namespace CpuMoe.Benchmarks;

/// <summary>What a grammar costs per token where the place is known, and once for a new place; with the vocabulary of GLM-4.5-Air (151,552 ids).</summary>
public class GrammarBenchmarks
{
    private const string Schema = """
        {"type":"object","properties":{"name":{"type":"string","maxLength":200},"age":{"type":"integer","minimum":0,"maximum":150},"tags":{"type":"array","items":{"type":"string"}}},"required":["name","age","tags"]}
        """;

    private const string Json = """{"name": "a name of some length", "age": 42, "tags": ["one", "two", "three"]}""";

    private Tokenizer _tokenizer = null!;
    private Grammar _grammar = null!;
    private int[] _tokens = [];
    private float[] _logits = [];

    [Params(ShapeTiny, ShapeAir)]
    public string Shape { get; set; } = "";

    private const string ShapeTiny = "tiny";
    private const string ShapeAir = "glm-4.5-air";

    [GlobalSetup]
    public void Setup()
    {
        ModelPlan plan = new(ModelShape.All.Single(shape => shape.Name == Shape), QuantMix.All[0], 1);
        _tokenizer = Tokenizer.FromGguf(new GgufMetadata(ModelMetadata.Of(plan, seed: 0)));
        _grammar = Grammar.FromJsonSchema(Schema);
        _tokens = _tokenizer.Encode(Json, parseSpecial: false);
        _logits = new float[_tokenizer.Vocabulary.Count];
    }

    /// <summary>A whole text at known places; divide by its tokens.</summary>
    [Benchmark]
    public bool KnownPlaces() => Follow(_grammar.CreateConstraint(_tokenizer));

    /// <summary>The same text with a grammar that was never used.</summary>
    [Benchmark]
    public bool NewGrammar() => Follow(Grammar.FromJsonSchema(Schema).CreateConstraint(_tokenizer));

    /// <summary>The mask within a string, where almost all tokens are allowed.</summary>
    [Benchmark]
    public int NewPlaceInAString() => NewPlace("{\"name\": \"");

    /// <summary>The mask after a name, where few tokens are allowed.</summary>
    [Benchmark]
    public int NewPlaceBeforeANumber() => NewPlace("{\"name\": \"x\", \"age\":");

    private int NewPlace(string text)
    {
        TokenGrammar grammar = Grammar.FromJsonSchema(Schema).Compiled(_tokenizer);
        Configuration at = grammar.Start();
        foreach (int token in _tokenizer.Encode(text, parseSpecial: false))
        {
            at = grammar.Advance(at, token)!;
        }

        grammar.MaskAt(ref at).Apply(_logits);
        return grammar.MasksComputed;
    }

    private bool Follow(GrammarConstraint constraint)
    {
        foreach (int token in _tokens)
        {
            constraint.Allow(_logits);
            if (!constraint.Accept(token))
            {
                throw new InvalidOperationException("The text is not one of the grammar.");
            }
        }

        return constraint.IsComplete;
    }
}
