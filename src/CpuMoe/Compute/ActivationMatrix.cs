using System.Runtime.Intrinsics.X86;
using CpuMoe.Blocks;

namespace CpuMoe.Compute;

/// <summary>
/// Activations [rows][columns]: the float values, and beside them the quantised forms that weight formats ask for.
/// </summary>
/// <remarks>
/// Whoever writes values says so with <see cref="Begin"/>; a form is then made once, by <see cref="Prepare"/>, however
/// many weights are multiplied with it.
/// </remarks>
internal sealed unsafe class ActivationMatrix(int maxRows, int columns) : IParallelJob, IDisposable
{
    // Rows per chunk when quantising: a few microseconds of work.
    private const int RowsPerChunk = 4;

    private readonly NativeBuffer<float> _values = new((long)maxRows * columns);
    private readonly QuantizedForm?[] _forms = new QuantizedForm?[Enum.GetValues<ActivationFormat>().Length];
    private QuantizedForm? _preparing;
    private int _firstRow;
    private int _endRow;

    /// <summary>Values per row.</summary>
    public int Columns { get; } = columns;

    /// <summary>Bytes of the values and of both quantised forms, which are made when they are first asked for.</summary>
    public long MaxBytes { get; } = ((long)maxRows * columns * sizeof(float))
        + QuantizedForm.BytesFor(ActivationFormat.Q8Per32, maxRows, columns)
        + QuantizedForm.BytesFor(ActivationFormat.Q8Per256, maxRows, columns);

    /// <summary>Rows in use, set by <see cref="Begin"/>.</summary>
    public int Rows { get; private set; }

    /// <summary>How many of the rows, the first ones, are multiplied by tiles (see <see cref="MatMulKernel.Multiply"/>).</summary>
    public int Tiled { get; private set; }

    /// <summary>The values, row after row.</summary>
    public float* Values => _values.Pointer;

    /// <summary>The values of a row.</summary>
    public float* Row(int row) => _values.Pointer + (long)row * Columns;

    /// <summary>Starts a new content of <paramref name="rows"/> rows; earlier quantised forms no longer hold.</summary>
    public void Begin(int rows, int tiled)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, maxRows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tiled, rows);
        Rows = rows;
        Tiled = tiled;
        foreach (QuantizedForm? form in _forms)
        {
            form?.Valid = false;
        }
    }

    /// <summary>Makes the form that <paramref name="format"/> names, unless the rows have it already.</summary>
    public void Prepare(ActivationFormat format, WorkerPool pool)
    {
        if (format == ActivationFormat.F32)
        {
            return;
        }

        QuantizedForm form = _forms[(int)format] ??= new QuantizedForm(format, maxRows, Columns);
        if (form.Valid)
        {
            return;
        }

        Quantize(form, 0, Rows, pool);
        form.Valid = true;
    }

    /// <summary>Makes the form that <paramref name="format"/> names for some rows only, whether they had it already or not.</summary>
    public void PrepareRows(ActivationFormat format, WorkerPool pool, int first, int count)
    {
        if (format != ActivationFormat.F32)
        {
            Quantize(_forms[(int)format] ??= new QuantizedForm(format, maxRows, Columns), first, count, pool);
        }
    }

    /// <summary>The rows in a form made by <see cref="Prepare"/>.</summary>
    public ActivationRows View(ActivationFormat format) => format == ActivationFormat.F32
        ? new ActivationRows(new ActivationRow(_values.Pointer, null, null, null), Columns, 0, 0)
        : _forms[(int)format]!.View;

    public void Dispose()
    {
        _values.Dispose();
        foreach (QuantizedForm? form in _forms)
        {
            form?.Dispose();
        }
    }

    void IParallelJob.Execute(int chunk, int worker)
    {
        QuantizedForm form = _preparing!;
        int first = _firstRow + (chunk * RowsPerChunk);
        int end = Math.Min(_endRow, first + RowsPerChunk);
        for (int row = first; row < end; row++)
        {
            ActivationQuantizer.Quantize(form.Format, Row(row), Columns, form.View[row]);
        }
    }

    private void Quantize(QuantizedForm form, int first, int count, WorkerPool pool)
    {
        _preparing = form;
        _firstRow = first;
        _endRow = first + count;
        pool.Run(this, (count + RowsPerChunk - 1) / RowsPerChunk);
    }

    /// <summary>One block of memory: codes, scales, sums and, where 512-bit products read them, the codes in their order.</summary>
    private sealed class QuantizedForm : IDisposable
    {
        private const int Line = 64;

        private readonly NativeBuffer<byte> _memory;

        public QuantizedForm(ActivationFormat format, int rows, int columns)
        {
            Format = format;
            _memory = new NativeBuffer<byte>(BytesFor(format, rows, columns));
            byte* codes = _memory.Pointer;
            byte* scales = codes + CodeBytes(rows, columns);
            byte* sums = scales + ScaleBytes(format, rows, columns);
            byte* apart = sums + SumBytes(rows, columns);
            var first = new ActivationRow(null, (sbyte*)codes, (float*)scales, (short*)sums, Avx512BW.IsSupported ? (sbyte*)apart : null);
            View = new ActivationRows(first, columns, Scales(format, columns), Sums(columns));
        }

        public ActivationFormat Format { get; }

        public bool Valid { get; set; }

        public ActivationRows View { get; }

        public static long BytesFor(ActivationFormat format, int rows, int columns) =>
            CodeBytes(rows, columns) + ScaleBytes(format, rows, columns) + SumBytes(rows, columns) + ApartBytes(rows, columns);

        public void Dispose() => _memory.Dispose();

        private static int Scales(ActivationFormat format, int columns) => columns / (format == ActivationFormat.Q8Per32 ? 32 : 256);

        private static int Sums(int columns) => columns / 16;

        private static long CodeBytes(int rows, int columns) => Aligned((long)rows * columns);

        private static long ScaleBytes(ActivationFormat format, int rows, int columns) => Aligned((long)rows * Scales(format, columns) * sizeof(float));

        private static long SumBytes(int rows, int columns) => Aligned((long)rows * Sums(columns) * sizeof(short));

        private static long ApartBytes(int rows, int columns) => Avx512BW.IsSupported ? (long)rows * ActivationRow.RoomApart(columns) : 0;

        private static long Aligned(long bytes) => (bytes + Line - 1) / Line * Line;
    }
}

/// <summary>Rows of activations of one form at constant strides.</summary>
internal readonly unsafe struct ActivationRows(ActivationRow first, int columns, int scalesPerRow, int sumsPerRow)
{
    /// <summary>A row.</summary>
    public ActivationRow this[int row] => new(
        first.Values + (long)row * columns,
        first.Codes + (long)row * columns,
        first.Scales + (long)row * scalesPerRow,
        first.Sums + (long)row * sumsPerRow,
        first.Apart == null ? null : first.Apart + (long)row * ActivationRow.RoomApart(columns));

    /// <summary>The rows from <paramref name="row"/> on.</summary>
    public ActivationRows From(int row) => new(this[row], columns, scalesPerRow, sumsPerRow);
}
