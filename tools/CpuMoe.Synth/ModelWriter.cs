using CpuMoe.Cli;
using CpuMoe.Cli.Commands;
using CpuMoe.Gguf;

namespace CpuMoe.Synth;

/// <summary>Writes a planned model: under another name first, so that a file of the final name is always whole.</summary>
/// <param name="plan">The model.</param>
/// <param name="seed">Of its weights.</param>
/// <param name="skew">Zipf's exponent of the expert popularity.</param>
internal sealed class ModelWriter(ModelPlan plan, ulong seed, double skew)
{
    private const string Ending = ".gguf";
    private const string Partial = ".partial";

    // Metadata and directory of the largest shape are below this.
    private const long MetadataBytes = 32L << 20;

    /// <summary>Called with the bytes of each piece that is written; may throw to end the work.</summary>
    public Action<int> Written { get; init; } = _ => { };

    /// <summary>Writes one file.</summary>
    /// <exception cref="CliException">The folder is missing or has not enough space.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(string path)
    {
        CheckSpace(path);
        string partial = path + Partial;
        WriteThenRename(() =>
        {
            using GgufWriter writer = GgufWriter.Create(partial);
            Fill(writer.Add, (name, type, dimensions) => writer.Declare(name, type, dimensions), writer.WriteTensor);
            writer.Complete();
        }, () => [(partial, path)]);
    }

    /// <summary>Writes a set of split files, <c>name-00001-of-00003.gguf</c> and so on for <c>name.gguf</c>.</summary>
    /// <param name="path">The path without the numbers; the ending may be missing.</param>
    /// <param name="maxBytes">The most tensor bytes of a part; a larger tensor has a part of its own.</param>
    /// <returns>The path of the first part.</returns>
    /// <exception cref="CliException">The folder is missing or has not enough space.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public string WriteSplit(string path, long maxBytes)
    {
        CheckSpace(path);
        string prefix = path.EndsWith(Ending, StringComparison.Ordinal) ? path[..^Ending.Length] : path;
        string partial = prefix + Partial;
        GgufSplitWriter writer = new(partial, maxBytes: maxBytes);
        WriteThenRename(() =>
        {
            using (writer)
            {
                Fill(writer.Add, (name, type, dimensions) => writer.Declare(name, type, dimensions), writer.WriteTensor);
                writer.Complete();
            }
        }, () => [.. writer.Paths.Select(part => (part, prefix + part[partial.Length..]))]);
        return prefix + writer.Paths[0][partial.Length..];
    }

    private static void WriteThenRename(Action write, Func<(string Partial, string Final)[]> names)
    {
        bool isWritten = false;
        try
        {
            write();
            isWritten = true;
            Array.ForEach(names(), name => File.Move(name.Partial, name.Final, overwrite: true));
        }
        finally
        {
            if (!isWritten)
            {
                Array.ForEach(names(), name => File.Delete(name.Partial));
            }
        }
    }

    private void Fill(Action<GgufEntry> add, Action<string, GgmlType, long[]> declare, Action<string, Action<Stream>> write)
    {
        foreach (GgufEntry entry in ModelMetadata.Of(plan, seed))
        {
            add(entry);
        }

        foreach (PlannedTensor tensor in plan.Tensors)
        {
            declare(tensor.Name, tensor.Type, tensor.Dimensions);
        }

        ExpertPopularity popularity = new(plan.Shape.Experts, plan.Shape.ExpertsUsed, skew);
        bool hasSelectionBias = plan.Tensors.Any(tensor => tensor.Role == TensorRole.SelectionBias);
        WeightSource weights = new(seed, popularity, hasSelectionBias, plan.EmbeddingDeviation);
        foreach (PlannedTensor tensor in plan.Tensors)
        {
            write(tensor.Name, stream => weights.Write(tensor, stream, Written));
        }
    }

    private void CheckSpace(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? throw new CliException($"{path} is a folder; name a file");
        if (!Directory.Exists(folder))
        {
            throw new CliException($"no such folder: {folder}");
        }

        if (Directory.Exists(path))
        {
            throw new CliException($"{path} is a folder; name a file");
        }

        DriveInfo drive = new(OperatingSystem.IsWindows() ? Path.GetPathRoot(folder)! : folder);
        long needed = plan.ByteCount + MetadataBytes;
        if (drive.AvailableFreeSpace < needed)
        {
            throw new CliException($"{folder} has {Bytes.Display(drive.AvailableFreeSpace)} of free space, the model needs {Bytes.Display(needed)}; keep fewer blocks with --layers, or choose another folder or mix");
        }
    }
}
