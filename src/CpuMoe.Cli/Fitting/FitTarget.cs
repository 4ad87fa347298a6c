using CpuMoe.Cli.Arguments;
using CpuMoe.Cli.Downloads;
using CpuMoe.Cli.Terminal;
using CpuMoe.Fitting;
using CpuMoe.Gguf;
using CpuMoe.Quantization;

namespace CpuMoe.Cli.Fitting;

/// <summary>A quantisation of a model that was asked about.</summary>
/// <param name="Quantization">The name of the mix.</param>
/// <param name="IsFile">Whether these are the types of a file.</param>
/// <param name="Model">The tensors.</param>
internal sealed record FitCandidate(string Quantization, bool IsFile, ModelOutline Model);

/// <summary>A model that was asked about.</summary>
/// <param name="Model">Its tensors.</param>
/// <param name="File">Its file; null of a known model.</param>
internal sealed record FitTarget(ModelOutline Model, GgufFile? File) : IDisposable
{
    // From the smallest to the largest.
    private static readonly string[] Mixes = ["Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16"];

    private static string KnownNames => string.Join(", ", ModelOutline.Known.Select(model => model.Name));

    /// <summary>What may be named, for the help.</summary>
    public static string Form => $"{ModelFileArgument.Form}; or {KnownNames}, which need no file [all of these]";

    /// <summary>Finds what a name means.</summary>
    /// <param name="name">A path, the name of a known or of a pulled model; null for all known ones.</param>
    /// <param name="console">Told what is assumed.</param>
    /// <exception cref="CliException">It means nothing.</exception>
    public static FitTarget[] Find(string? name, CliConsole console)
    {
        if (name is null)
        {
            return [.. ModelOutline.Known.Select(model => new FitTarget(model, null))];
        }

        if (ModelReference.IsReference(name))
        {
            return [OfReference(ModelReference.Parse(name), console)];
        }

        if (ModelOutline.TryFind(name, out ModelOutline? known) && !System.IO.File.Exists(name))
        {
            return [new FitTarget(known, null)];
        }

        return System.IO.File.Exists(name) ? [Open(name)]
            : throw new CliException($"no such file: {name}; models that need no file are {KnownNames}");
    }

    /// <summary>The quantisations: that of the file, and all usual ones.</summary>
    public IReadOnlyList<FitCandidate> Candidates()
    {
        List<FitCandidate> candidates = [];
        if (File is not null)
        {
            int type = File.Metadata.GetInt32("general.file_type", -1);
            candidates.Add(new FitCandidate(QuantMix.All.FirstOrDefault(mix => mix.FileType == type)?.Name ?? "file", true, Model));
        }

        candidates.AddRange(Mixes.Select(name => new FitCandidate(name, false, Model.Quantized(QuantMix.All.First(mix => mix.Name == name)))));
        return candidates;
    }

    /// <inheritdoc/>
    public void Dispose() => File?.Dispose();

    private static FitTarget OfReference(ModelReference reference, CliConsole console)
    {
        if (ModelStore.Open().ListRepository(reference).Any(model => model.Complete))
        {
            return Open(ModelFileArgument.Locate(reference.ToString()));
        }

        // The longest name that fits: glm-4.5-air is no glm-4.5.
        ModelOutline known = ModelOutline.Known
            .Where(model => reference.Repository.Contains(model.Name, StringComparison.OrdinalIgnoreCase))
            .MaxBy(model => model.Name.Length)
            ?? throw new CliException($"{reference} is not on this machine, and its name is not that of a model known without a file ({KnownNames}); get it with: cpumoe pull {reference}");
        console.Notice($"{reference} is not on this machine: by its name it is {known.Name}");
        return new FitTarget(known, null);
    }

    private static FitTarget Open(string path)
    {
        GgufFile file = GgufFile.Open(path);
        try
        {
            return new FitTarget(ModelOutline.FromGguf(file), file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
