using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Experts;

/// <summary>One of the matrices that every expert of a layer has: where it lies in a stack of all experts.</summary>
/// <remarks>
/// The rows of expert x follow those of expert x - 1. Newer files stack gate and up in one tensor, each expert's gate
/// rows before its up rows.
/// </remarks>
/// <param name="tensor">The stack.</param>
/// <param name="kernel">The kernel of its type.</param>
/// <param name="stride">Rows from one expert to the next.</param>
/// <param name="firstRow">The first row of the matrix among those of its expert.</param>
/// <param name="rows">Rows of the matrix.</param>
internal sealed unsafe class ExpertMatrix(GgufTensor tensor, MatMulKernel kernel, int stride, int firstRow, int rows)
{
    /// <summary>The part of the model that holds the stack.</summary>
    public int Shard => tensor.Shard;

    /// <summary>The tensor's name.</summary>
    public string Name => tensor.Name;

    /// <summary>Inputs of the product.</summary>
    public int Columns => (int)tensor.Dimensions[0];

    /// <summary>Bytes of one expert's matrix.</summary>
    public long ByteCount { get; } = rows * tensor.RowBytes;

    /// <summary>Where an expert's matrix begins in its part.</summary>
    public long FileOffset(int expert) => tensor.FileOffset + (((long)expert * stride) + firstRow) * tensor.RowBytes;

    /// <summary>An expert's matrix in the mapped file.</summary>
    public WeightMatrix Mapped(int expert) => At(tensor.Data + ((((long)expert * stride) + firstRow) * tensor.RowBytes));

    /// <summary>A matrix whose bytes were read to <paramref name="data"/>.</summary>
    public WeightMatrix At(byte* data) => new(data, rows, Columns, tensor.RowBytes, kernel);
}
