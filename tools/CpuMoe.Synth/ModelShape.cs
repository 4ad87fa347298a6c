namespace CpuMoe.Synth;

/// <summary>How a vocabulary is made: its size, where its special tokens begin, and what they are.</summary>
/// <param name="Size">Ids, with or without a token.</param>
/// <param name="SpecialStart">The first special id; byte and merge tokens fill the ids below.</param>
/// <param name="Family">The special tokens, the pre-tokenizer and the chat template.</param>
internal sealed record VocabularyShape(int Size, int SpecialStart, VocabularyFamily Family);

/// <summary>The dimensions of a model, by the names of its GGUF keys.</summary>
/// <remarks>Sources: the configurations that the model authors publish, and the tensor tables of llama.cpp.</remarks>
internal sealed record ModelShape
{
    /// <summary>GLM-4.5 (355B-A32B).</summary>
    public static ModelShape Glm45 { get; } = new()
    {
        Name = "glm-4.5",
        Title = "GLM-4.5",
        Architecture = ModelArchitecture.Glm4Moe,
        Blocks = 92,
        LeadingDense = 3,
        ContextLength = 131072,
        Embedding = 5120,
        DenseWidth = 12288,
        Heads = 96,
        KeyValueHeads = 8,
        HeadLength = 128,
        RotaryDimensions = 64,
        HasHeadNorms = true,
        Experts = 160,
        ExpertsUsed = 8,
        ExpertWidth = 1536,
        ExpertScale = 2.5f,
        Vocabulary = new(151552, 151329, VocabularyFamily.Glm45),
    };

    /// <summary>GLM-4.5-Air (106B-A12B).</summary>
    public static ModelShape Glm45Air { get; } = Glm45 with
    {
        Name = "glm-4.5-air",
        Title = "GLM-4.5-Air",
        Blocks = 46,
        LeadingDense = 1,
        Embedding = 4096,
        DenseWidth = 10944,
        HasHeadNorms = false,
        Experts = 128,
        ExpertWidth = 1408,
        ExpertScale = 1,
    };

    /// <summary>An Air small enough for tests, with rows that are not a multiple of 256 as there, and with the head norms of GLM-4.5.</summary>
    public static ModelShape Tiny { get; } = Glm45Air with
    {
        Name = "tiny",
        Title = "Tiny GLM-4.5-Air",
        Blocks = 4,
        ContextLength = 4096,
        Embedding = 256,
        DenseWidth = 608,
        Heads = 8,
        KeyValueHeads = 2,
        HeadLength = 64,
        RotaryDimensions = 32,
        HasHeadNorms = true,
        Experts = 32,
        ExpertWidth = 160,
        Vocabulary = new(1280, 1200, VocabularyFamily.Glm45),
    };

    /// <summary>Qwen3-30B-A3B.</summary>
    public static ModelShape Qwen3 { get; } = new()
    {
        Name = "qwen3-30b-a3b",
        Title = "Qwen3-30B-A3B",
        Architecture = ModelArchitecture.Qwen3Moe,
        Blocks = 48,
        LeadingDense = 0,
        ContextLength = 40960,
        Embedding = 2048,
        DenseWidth = 6144,
        Heads = 32,
        KeyValueHeads = 4,
        HeadLength = 128,
        RotaryDimensions = 128,
        HasHeadNorms = true,
        Experts = 128,
        ExpertsUsed = 8,
        ExpertWidth = 768,
        ExpertScale = 1,
        Vocabulary = new(151936, 151643, VocabularyFamily.Qwen3),
    };

    /// <summary>All shapes, in the order of the help.</summary>
    public static IReadOnlyList<ModelShape> All { get; } = [Glm45, Glm45Air, Tiny, Qwen3];

    /// <summary>The name on the command line.</summary>
    public required string Name { get; init; }

    /// <summary>The name for <c>general.name</c>.</summary>
    public required string Title { get; init; }

    public required ModelArchitecture Architecture { get; init; }

    /// <summary>Trunk blocks.</summary>
    public required int Blocks { get; init; }

    /// <summary>Blocks at the start with a dense feed-forward network.</summary>
    public required int LeadingDense { get; init; }

    public required int ContextLength { get; init; }

    public required int Embedding { get; init; }

    /// <summary>Inner width of the dense blocks.</summary>
    public required int DenseWidth { get; init; }

    public required int Heads { get; init; }

    public required int KeyValueHeads { get; init; }

    /// <summary>Values of a key, query or value head.</summary>
    public required int HeadLength { get; init; }

    public required int RotaryDimensions { get; init; }

    /// <summary>Whether queries and keys are normalised per head.</summary>
    public required bool HasHeadNorms { get; init; }

    public required int Experts { get; init; }

    public required int ExpertsUsed { get; init; }

    /// <summary>Inner width of an expert, and of the one shared expert.</summary>
    public required int ExpertWidth { get; init; }

    /// <summary>The factor of the expert weights.</summary>
    public required float ExpertScale { get; init; }

    public required VocabularyShape Vocabulary { get; init; }
}

/// <summary>The architectures that can be written.</summary>
internal enum ModelArchitecture
{
    Glm4Moe,
    Qwen3Moe,
}
