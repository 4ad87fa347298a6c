using CpuMoe.Compute;
using CpuMoe.Experts;
using CpuMoe.Gguf;
using Microsoft.Win32.SafeHandles;

namespace CpuMoe.Models;

/// <summary>The embedding table [tokens][embedding], of which a pass reads single rows.</summary>
/// <param name="weights">The table in memory or in the mapped file.</param>
internal unsafe class EmbeddingTable(WeightMatrix weights)
{
    /// <summary>The number of tokens.</summary>
    public int Rows => weights.Rows;

    /// <summary>Writes the row of a token as floats.</summary>
    public virtual void Read(int token, float* values) => weights.Kernel.DequantizeRow(weights, token, values);
}

/// <summary>A table that stays on the disk: rows are read as they are asked for.</summary>
/// <remarks>
/// Through the handle, not the mapping: a file that is cut while the model runs then gives an error instead of the end
/// of the process, and a row brings one page into the page cache instead of a read-ahead of many.
/// </remarks>
/// <param name="weights">The shape; its bytes are not touched.</param>
/// <param name="file">The model.</param>
/// <param name="tensor">The table.</param>
internal sealed unsafe class FileEmbeddingTable(WeightMatrix weights, GgufFile file, GgufTensor tensor) : EmbeddingTable(weights)
{
    private readonly WeightMatrix _weights = weights;
    private readonly SafeFileHandle _handle = HandleForRows(file, tensor);

    /// <inheritdoc/>
    public override void Read(int token, float* values)
    {
        int length = (int)_weights.RowBytes;
        long offset = tensor.FileOffset + (token * _weights.RowBytes);
        byte* row = stackalloc byte[length];
        string Where() => $"Reading {tensor.Name} at byte {offset} of {file.PartPaths[tensor.Shard]} failed";
        int done = 0;
        try
        {
            for (int got = 1; done < length && got > 0; done += got)
            {
                got = RandomAccess.Read(_handle, new Span<byte>(row + done, length - done), offset + done);
            }
        }
        catch (IOException fault)
        {
            throw new ExpertReadException(Where(), fault);
        }

        if (done < length)
        {
            throw new ExpertReadException(Where(), null);
        }

        var single = new WeightMatrix(row, 1, _weights.Columns, _weights.RowBytes, _weights.Kernel);
        single.Kernel.DequantizeRow(single, 0, values);
    }

    private static SafeFileHandle HandleForRows(GgufFile file, GgufTensor tensor)
    {
        SafeFileHandle handle = file.Handle(tensor.Shard);
        LinuxCalls.ExpectRandomReads(handle);
        return handle;
    }
}
