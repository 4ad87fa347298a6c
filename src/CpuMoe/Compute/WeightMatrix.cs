namespace CpuMoe.Compute;

/// <summary>A weight matrix [rows][columns] in the bytes of its GGUF type, read where it lies.</summary>
/// <param name="data">The first block of the first row.</param>
/// <param name="rows">Rows: outputs of the product.</param>
/// <param name="columns">Columns: inputs of the product, a whole number of blocks.</param>
/// <param name="rowBytes">Bytes from one row to the next.</param>
/// <param name="kernel">The kernel of its type.</param>
internal readonly unsafe struct WeightMatrix(byte* data, int rows, int columns, long rowBytes, MatMulKernel kernel)
{
    public int Rows { get; } = rows;

    public int Columns { get; } = columns;

    public long RowBytes { get; } = rowBytes;

    public MatMulKernel Kernel { get; } = kernel;

    public byte* Row(int row) => data + row * RowBytes;

    /// <summary>The rows [first, first + count) as a matrix.</summary>
    public WeightMatrix Slice(int first, int count) => new(Row(first), count, Columns, RowBytes, Kernel);
}
