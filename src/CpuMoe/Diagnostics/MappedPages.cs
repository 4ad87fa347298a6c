using CpuMoe.Gguf;

namespace CpuMoe.Diagnostics;

/// <summary>The pages of a mapped file.</summary>
public static unsafe class MappedPages
{
    private const int PageBytes = 4096;

    /// <summary>
    /// Reads a byte of every page of every tensor, so that later reads neither wait for the disk nor fault, as long as
    /// memory holds the file.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled between two tensors.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public static void Touch(GgufFile file, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        file.EnsureUnchanged();
        foreach (GgufTensor tensor in file.Tensors)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (long offset = 0; offset < tensor.ByteCount; offset += PageBytes)
            {
                Volatile.Read(ref tensor.Data[offset]);
            }

            if (tensor.ByteCount > 0)
            {
                Volatile.Read(ref tensor.Data[tensor.ByteCount - 1]);
            }
        }

        GC.KeepAlive(file);
    }
}
