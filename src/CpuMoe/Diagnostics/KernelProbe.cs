using System.Diagnostics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CpuMoe.Blocks;
using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Diagnostics;

/// <summary>What a kernel is asked to do.</summary>
/// <param name="Columns">Activations multiplied with the same weights: 1 is decode, more is prefill.</param>
/// <param name="InCache">Whether the weights lie in the caches; otherwise they come from RAM.</param>
public readonly record struct KernelShape(int Columns, bool InCache = false);

/// <summary>What a kernel did.</summary>
/// <param name="BytesPerSecond">Bytes of weights that were multiplied.</param>
/// <param name="OperationsPerSecond">A multiplication and its addition are two.</param>
public readonly record struct KernelRate(double BytesPerSecond, double OperationsPerSecond);

/// <summary>Measures the matrix products of every weight format on all threads, cut as in a forward pass.</summary>
/// <remarks>The activations are quantised beforehand; a pass does that once for many weights. Not safe for concurrent use.</remarks>
public sealed unsafe class KernelProbe : IDisposable
{
    /// <summary>Values per weight row: the width of GLM-4.5-Air.</summary>
    public const int RowLength = 4096;

    // Of weights in cache: a quarter of the smallest second-level cache of today's servers.
    private const int CacheBytesPerThread = 256 << 10;

    // Passes long enough to hide the start of the threads, short enough to repeat with scalar products.
    private const int PassesOverCache = 16;
    private const long ProductsPerPass = 1L << 28;
    private const int ChunksPerThread = 4;

    // A method is compiled twice more after its first calls, each time when no other was new for a tenth of a second.
    private static readonly TimeSpan WarmUpTime = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan WarmUpTimeOfAnother = TimeSpan.FromMilliseconds(50);

    private const int WarmUpColumns = 8;

    // Weight rows of a whole projection: about as many as those of a model have.
    private const int ProjectionRows = 4096;

    private readonly WorkerPool _pool;
    private readonly StreamedMemory _memory;
    private readonly HashSet<(GgmlType Format, bool IsPrefill)> _warm = [];

    /// <param name="threads">Threads that compute; 0 means one per physical core.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is negative.</exception>
    /// <exception cref="OutOfMemoryException">The system lacks the memory for the weights.</exception>
    public KernelProbe(int threads = 0)
    {
        _pool = new WorkerPool(threads);
        _memory = new StreamedMemory(_pool);
    }

    /// <summary>The formats that the engine computes with.</summary>
    public static IReadOnlyList<GgmlType> Formats => BlockFormats.Supported;

    /// <summary>The instructions that this process uses: the best that the machine has and the runtime was not told to leave.</summary>
    public static VectorPath Path =>
        Avx512BW.IsSupported ? VectorPath.Vector512
        : Avx2.IsSupported ? VectorPath.Vector256
        : Vector128.IsHardwareAccelerated ? VectorPath.Vector128
        : VectorPath.Scalar;

    /// <summary>Threads that compute.</summary>
    public int Threads => _pool.Threads;

    /// <summary>Bytes that <paramref name="format"/> takes per value.</summary>
    public static double BytesPerValue(GgmlType format) => (double)format.BytesPerBlock() / format.ValuesPerBlock();

    /// <summary>Repeats one product until it becomes no faster.</summary>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="shape">Columns (1 or more) and place.</param>
    /// <param name="patience">How long to go on without improvement.</param>
    /// <param name="cancellationToken">Ends the measurement between two passes.</param>
    /// <exception cref="ArgumentException">The engine does not compute with the format.</exception>
    /// <exception cref="ArgumentOutOfRangeException">No columns.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public KernelRate Measure(GgmlType format, KernelShape shape, TimeSpan patience, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shape.Columns, 1, nameof(shape));
        MatMulKernel kernel = MatMulKernel.For(format, MatMulPath.Fast)
            ?? throw new ArgumentException($"The engine does not compute with {format}; it does with {string.Join(", ", Formats)}.", nameof(format));
        using ActivationMatrix activations = Activations(shape.Columns, kernel.Activation);
        long rowBytes = format.RowBytes(RowLength);
        using var product = shape.InCache
            ? new Product(_pool.Threads, activations, RowsOf(CacheBytesPerThread / rowBytes), PassesOverCache)
            : new Product(_pool.Threads, activations, Projection.ChunkRows(RowsPerPass(rowBytes, shape.Columns), shape.Columns, activations.Tiled, _pool.Threads), repeats: 1);
        if (_warm.Add((format, shape.Columns > 1)))
        {
            WarmUp([(product, kernel, rowBytes)], cancellationToken);
        }

        int rows = shape.InCache ? product.RowsPerChunk * _pool.Threads : RowsPerPass(rowBytes, shape.Columns);

        // From RAM every pass goes on where the one before ended.
        int windows = shape.InCache ? 1 : (int)(_memory.Length / (rows * rowBytes));
        int window = 0;
        TimeSpan best = BestTime.Of(
            () =>
            {
                product.Weights = new WeightMatrix(_memory.Pointer + (window * rows * rowBytes), rows, RowLength, rowBytes, kernel);
                window = (window + 1) % windows;
                _pool.Run(product, (rows + product.RowsPerChunk - 1) / product.RowsPerChunk);
            },
            patience,
            cancellationToken);
        double rowsPerSecond = (double)rows * product.Repeats / best.TotalSeconds;
        return new KernelRate(rowsPerSecond * rowBytes, 2.0 * rowsPerSecond * RowLength * shape.Columns);
    }

    /// <summary>
    /// Lets the compiler finish with the products of several formats at once, with one and with many columns: a second or
    /// two, where <see cref="Measure"/> would take as long for every few of them.
    /// </summary>
    /// <param name="formats">Some of <see cref="Formats"/>.</param>
    /// <param name="cancellationToken">Ends the warm-up between two passes.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void WarmUp(IReadOnlyCollection<GgmlType> formats, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(formats);
        List<(Product Product, MatMulKernel Kernel, long RowBytes)> products = [];
        List<IDisposable> owned = [];
        foreach (GgmlType format in formats)
        {
            MatMulKernel kernel = MatMulKernel.For(format, MatMulPath.Fast)!;
            foreach (int columns in (int[])[1, WarmUpColumns])
            {
                if (_warm.Add((format, columns > 1)))
                {
                    ActivationMatrix activations = Activations(columns, kernel.Activation);
                    var product = new Product(_pool.Threads, activations, Projection.RowsPerChunk, repeats: 1);
                    owned.Add(activations);
                    owned.Add(product);
                    products.Add((product, kernel, format.RowBytes(RowLength)));
                }
            }
        }

        WarmUp(products, cancellationToken);
        owned.ForEach(item => item.Dispose());
    }

    /// <summary>Repeats products of one activation with small matrices that follow each other in RAM, as the steps of a pass do.</summary>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="regionBytes">Bytes of a matrix, much less than RAM.</param>
    /// <param name="patience">How long to go on without improvement.</param>
    /// <param name="cancellationToken">Ends the measurement between two passes.</param>
    /// <returns>Seconds per product, the mean of the best pass over many.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public double MeasureRegion(GgmlType format, long regionBytes, TimeSpan patience, CancellationToken cancellationToken = default)
    {
        MatMulKernel kernel = MatMulKernel.For(format, MatMulPath.Fast)!;
        long rowBytes = format.RowBytes(RowLength);
        int rows = RowsOf(Math.Min(regionBytes, _memory.WindowBytes) / rowBytes);
        int regions = (int)(_memory.WindowBytes / (rows * rowBytes));
        using ActivationMatrix activations = Activations(1, kernel.Activation);
        using var product = new Product(_pool.Threads, activations, Projection.ChunkRows(rows, 1, activations.Tiled, _pool.Threads), repeats: 1);
        long offset = 0;
        TimeSpan best = BestTime.Of(
            () =>
            {
                for (int region = 0; region < regions; region++)
                {
                    offset = offset + (rows * rowBytes) > _memory.Length ? 0 : offset;
                    product.Weights = new WeightMatrix(_memory.Pointer + offset, rows, RowLength, rowBytes, kernel);
                    _pool.Run(product, (rows + product.RowsPerChunk - 1) / product.RowsPerChunk);
                    offset += rows * rowBytes;
                }
            },
            patience,
            cancellationToken);
        return best.TotalSeconds / regions;
    }

    /// <summary>
    /// Repeats a projection as a pass over a prompt has it: activations are quantised, weights come from RAM, results go
    /// there. Unlike <see cref="Measure"/> it takes the mean of all repetitions: what a pass of seconds can expect.
    /// </summary>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="columns">Tokens.</param>
    /// <param name="time">How long to go on; two repetitions at least.</param>
    /// <param name="cancellationToken">Ends the measurement between two repetitions.</param>
    /// <returns>Multiply-adds per second.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal double MeasureProjection(GgmlType format, int columns, TimeSpan time, CancellationToken cancellationToken)
    {
        MatMulKernel kernel = MatMulKernel.For(format, MatMulPath.Fast)!;
        long rowBytes = format.RowBytes(RowLength);
        using ActivationMatrix activations = Activations(columns, kernel.Activation);
        using var results = new NativeBuffer<float>((long)columns * ProjectionRows);
        Projection projection = new(_pool);
        int matrices = (int)(_memory.Length / (ProjectionRows * rowBytes));

        // The first one finds the results' pages absent.
        Project(0);
        long start = Stopwatch.GetTimestamp();
        int count = 0;
        while (count < 2 || Stopwatch.GetElapsedTime(start) < time)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Project(++count);
        }

        return (double)count * columns * ProjectionRows * RowLength / Stopwatch.GetElapsedTime(start).TotalSeconds;

        void Project(int matrix)
        {
            activations.Begin(columns, TiledOf(columns));
            byte* weights = _memory.Pointer + (matrix % matrices * ProjectionRows * rowBytes);
            projection.Run(activations, new ProjectionPart(new WeightMatrix(weights, ProjectionRows, RowLength, rowBytes, kernel), null, results.Pointer, ProjectionRows));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pool.Dispose();
        _memory.Dispose();
    }

    /// <summary>Lets the compiler finish with the methods that products use, taking turns.</summary>
    private void WarmUp(IReadOnlyList<(Product Product, MatMulKernel Kernel, long RowBytes)> products, CancellationToken cancellationToken)
    {
        foreach ((Product product, MatMulKernel kernel, long rowBytes) in products)
        {
            // Small pieces: before it is compiled for speed, a method is slow.
            product.Weights = new WeightMatrix(_memory.Pointer, product.RowsPerChunk * _pool.Threads, RowLength, rowBytes, kernel);
        }

        TimeSpan time = WarmUpTime + (WarmUpTimeOfAnother * (products.Count - 1));
        long start = Stopwatch.GetTimestamp();
        while (products.Count > 0 && Stopwatch.GetElapsedTime(start) < time)
        {
            foreach ((Product product, _, _) in products)
            {
                cancellationToken.ThrowIfCancellationRequested();
                _pool.Run(product, _pool.Threads);
            }
        }
    }

    private ActivationMatrix Activations(int columns, ActivationFormat form)
    {
        var activations = new ActivationMatrix(columns, RowLength);
        activations.Begin(columns, TiledOf(columns));
        Random random = new(1);
        for (long i = 0; i < (long)columns * RowLength; i++)
        {
            activations.Values[i] = random.NextSingle() - 0.5f;
        }

        activations.Prepare(form, _pool);
        return activations;
    }

    /// <summary>How many columns are multiplied by tiles: as in a pass over one prompt, all of several and none of one.</summary>
    private static int TiledOf(int columns) => columns > 1 ? columns : 0;

    private int RowsPerPass(long rowBytes, int columns)
    {
        long rows = Math.Min(_memory.WindowBytes / rowBytes, ProductsPerPass / ((long)RowLength * columns));
        rows = Math.Max(rows, (long)Projection.RowsPerChunk * ChunksPerThread * _pool.Threads);
        return RowsOf(Math.Min(rows, _memory.Length / rowBytes));
    }

    private static int RowsOf(long rows) => Math.Max(1, (int)(rows / Projection.RowsPerChunk)) * Projection.RowsPerChunk;

    /// <summary>One product, its rows shared by the threads.</summary>
    private sealed class Product(int workers, ActivationMatrix activations, int rowsPerChunk, int repeats) : IParallelJob, IDisposable
    {
        private readonly NativeBuffer<float> _results = new((long)workers * rowsPerChunk * Projection.ColumnsPerPass);

        public int RowsPerChunk { get; } = rowsPerChunk;

        public int Repeats { get; } = repeats;

        public WeightMatrix Weights { get; set; }

        private int Columns { get; } = activations.Rows;

        public void Execute(int chunk, int worker)
        {
            WeightMatrix weights = Weights;
            int firstRow = chunk * RowsPerChunk;
            int endRow = Math.Min(firstRow + RowsPerChunk, weights.Rows);
            ActivationRows rows = activations.View(weights.Kernel.Activation);
            float* results = _results.Pointer + ((long)worker * RowsPerChunk * Projection.ColumnsPerPass);
            for (int repeat = 0; repeat < Repeats; repeat++)
            {
                for (int column = 0; column < Columns; column += Projection.ColumnsPerPass)
                {
                    int columns = Math.Min(Projection.ColumnsPerPass, Columns - column);
                    weights.Kernel.Multiply(weights, firstRow, endRow, rows.From(column), null, columns, Math.Clamp(activations.Tiled - column, 0, columns), results, RowsPerChunk);
                }
            }
        }

        public void Dispose() => _results.Dispose();
    }
}
