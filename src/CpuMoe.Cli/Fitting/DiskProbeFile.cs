using CpuMoe.Cli.Downloads;
using CpuMoe.Cli.Terminal;
using CpuMoe.Gguf;

namespace CpuMoe.Cli.Fitting;

/// <summary>A file on the disk where models lie, to measure it: the largest one that was pulled, or one made for it.</summary>
internal sealed class DiskProbeFile : IDisposable
{
    private const long Bytes = 256L << 20;

    // Larger than the measurement reads.
    private const long LargeEnough = 1L << 30;

    private readonly string? _made;

    private DiskProbeFile(GgufFile? file, string? made = null)
    {
        File = file;
        _made = made;
    }

    /// <summary>The file; null where none could be had.</summary>
    public GgufFile? File { get; }

    /// <summary>Finds or makes a file.</summary>
    public static DiskProbeFile Open(CliConsole console)
    {
        ModelStore store = ModelStore.Open();
        PulledModel? largest = store.List().Where(model => model.Model.Bytes > LargeEnough && store.IsIntact(model)).MaxBy(model => model.Model.Bytes);
        return largest is not null ? new DiskProbeFile(GgufFile.Open(store.PathOf(largest.Reference, largest.Model.Files[0]))) : Make(store.Root, console);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        File?.Dispose();
        if (_made is not null)
        {
            System.IO.File.Delete(_made);
        }
    }

    private static DiskProbeFile Make(string folder, CliConsole console)
    {
        string path = Path.Combine(folder, $".disk-probe-{Environment.ProcessId}.gguf");
        try
        {
            Directory.CreateDirectory(folder);
            Write(path);
            return new DiskProbeFile(GgufFile.Open(path), path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            System.IO.File.Delete(path);
            console.Notice($"the disk is not measured, so that there are no speeds with paging: {fault.Message}");
            return new DiskProbeFile(null);
        }
    }

    private static void Write(string path)
    {
        // Random, for disks that compress.
        byte[] content = new byte[1 << 20];
        new Random(1).NextBytes(content);
        using FileStream stream = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        using (GgufWriter writer = new(stream, leaveOpen: true))
        {
            writer.Declare("probe", GgmlType.F32, Bytes / sizeof(float));
            writer.WriteTensor("probe", output =>
            {
                for (long written = 0; written < Bytes; written += content.Length)
                {
                    output.Write(content);
                }
            });
            writer.Complete();
        }

        stream.Flush(flushToDisk: true);
    }
}
