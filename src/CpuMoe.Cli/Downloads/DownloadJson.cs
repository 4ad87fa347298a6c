using System.Text.Json.Serialization;

namespace CpuMoe.Cli.Downloads;

/// <summary>The answer of the hub to <c>/api/models/OWNER/REPO/revision/REVISION?blobs=true</c>, as far as it is read.</summary>
internal sealed record RepositoryAnswer(string? Sha, RepositoryEntry?[]? Siblings);

/// <summary>A file in <see cref="RepositoryAnswer"/>.</summary>
internal sealed record RepositoryEntry(string? Rfilename, long? Size, LfsEntry? Lfs);

/// <summary>Where the content of a file is kept outside of git.</summary>
internal sealed record LfsEntry(string? Sha256, long? Size);

/// <summary>What has arrived of a file, kept beside its bytes.</summary>
/// <param name="Sha256">The hash of the whole file; the ranges mean nothing for another.</param>
/// <param name="Bytes">The size of the whole file.</param>
/// <param name="Completed">Pairs of start and end.</param>
internal sealed record JournalContent(string Sha256, long Bytes, long[][] Completed);

/// <summary>Serialisation of what is exchanged with the hub and kept beside models, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(RepositoryAnswer))]
[JsonSerializable(typeof(JournalContent))]
[JsonSerializable(typeof(PulledModel))]
internal sealed partial class DownloadJson : JsonSerializerContext;
