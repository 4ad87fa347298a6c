namespace CpuMoe.Server.OpenAi;

/// <summary>All models.</summary>
internal sealed record ModelList(ModelDescription[] Data, string FirstId, string LastId)
{
    public string Object { get; } = "list";

    public bool HasMore { get; }
}

/// <summary>A model.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Created">When its file was written, in seconds since 1970.</param>
/// <param name="CreatedAt">The same as a date.</param>
/// <param name="DisplayName">Its name for people.</param>
/// <param name="MaxModelLen">Tokens of prompt and answer together.</param>
/// <param name="Meta">What llama.cpp's server tells beside.</param>
internal sealed record ModelDescription(string Id, long Created, DateTimeOffset CreatedAt, string DisplayName, int MaxModelLen, ModelMeta Meta)
{
    public string Object { get; } = "model";

    public string Type { get; } = "model";

    public string OwnedBy { get; } = "cpumoe";
}

/// <summary>What the model was made for.</summary>
internal sealed record ModelMeta(int NCtxTrain, int NVocab);
