using System.Text.Json.Serialization;

namespace CpuMoe.Cli.Downloads;

/// <summary>What is kept about a model beside its first file.</summary>
/// <param name="Owner">Of the repository.</param>
/// <param name="Repository">The name of the repository.</param>
/// <param name="Revision">The branch, tag or commit that was asked for.</param>
/// <param name="Commit">What the revision meant then.</param>
/// <param name="Pulled">When the pull began or, of a complete model, ended.</param>
/// <param name="Complete">Whether all files are there and have been checked.</param>
/// <param name="Files">All files, the first one first.</param>
internal sealed record PulledModel(string Owner, string Repository, string Revision, string Commit, DateTimeOffset Pulled, bool Complete, RepositoryFile[] Files)
{
    /// <summary>The files as a model.</summary>
    [JsonIgnore]
    public RepositoryModel Model { get; } = new(Files);

    /// <summary>The name that means this model and no other, whatever else is there.</summary>
    [JsonIgnore]
    public ModelReference Reference => new(Owner, Repository, Revision, Path: Model.FirstPath);

    /// <summary>The shortest name that tells this model apart from <paramref name="others"/> of its repository and revision.</summary>
    public ModelReference NameAmong(IEnumerable<RepositoryModel> others)
    {
        ModelReference byQuant = Reference with { Path = null, Quant = Model.Quant };
        return byQuant.Quant is not null && RepositoryModel.Matching(byQuant, [.. others]) is [{ } only] && only.FirstPath == Model.FirstPath ? byQuant : Reference;
    }
}
