using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using CpuMoe.Blocks;

namespace CpuMoe.Compute;

/// <summary>The three matrices of a gated feed-forward network: a dense one, a shared expert or a routed one.</summary>
/// <param name="gate">[F][E].</param>
/// <param name="up">[F][E].</param>
/// <param name="down">[E][F].</param>
internal readonly struct FeedForwardWeights(WeightMatrix gate, WeightMatrix up, WeightMatrix down)
{
    public readonly WeightMatrix Gate = gate;
    public readonly WeightMatrix Up = up;
    public readonly WeightMatrix Down = down;
}

/// <summary>A network and the rows it is applied to.</summary>
/// <param name="network">The weights.</param>
/// <param name="hidden">Where the inner activations go; its <see cref="ActivationMatrix.Begin"/> was called.</param>
/// <param name="firstHidden">The first row of <paramref name="hidden"/> that belongs to this group.</param>
/// <param name="rows">The number of rows.</param>
/// <param name="tiled">How many of the rows, the first ones, are multiplied by tiles (see <see cref="MatMulKernel.Multiply"/>).</param>
/// <param name="tokens">[rows]: which rows of the input and output they are; null for 0, 1, 2, ...</param>
/// <param name="weights">[rows]: factors of the results; null for 1.</param>
internal readonly unsafe struct FeedForwardGroup(FeedForwardWeights network, ActivationMatrix hidden, int firstHidden, int rows, int tiled, int* tokens, float* weights)
{
    public readonly FeedForwardWeights Network = network;
    public readonly ActivationMatrix Hidden = hidden;
    public readonly int FirstHidden = firstHidden;
    public readonly int Rows = rows;
    public readonly int Tiled = tiled;
    public readonly int* Tokens = tokens;
    public readonly float* Weights = weights;
}

/// <summary>
/// y[t] += w * Wdown * (silu(Wgate * x[t]) (.) (Wup * x[t])) over all groups: the dense layer is one group, a
/// mixture-of-experts layer has one for the shared expert and one for each routed expert that got tokens.
/// </summary>
/// <remarks>
/// Two regions over many groups together, so that each expert is read once per batch and one token's experts fill all
/// threads. A chunk of the second region owns its rows of y: the sums need no lock and come in the order of the groups'
/// places. Groups whose weights arrive late may be activated after the others (<see cref="Activate"/> several times,
/// then <see cref="Accumulate"/>), or be done with before the next ones arrive (both, several times): with ascending
/// places from one <see cref="Accumulate"/> to the next, the sums are the same to the last bit.
/// </remarks>
internal sealed unsafe class FeedForward
{
    private const int RowsPerChunk = Projection.RowsPerChunk;
    private const int ColumnsPerPass = Projection.ColumnsPerPass;

    private readonly WorkerPool _pool;
    private readonly FeedForwardGroup[] _groups;
    private readonly int[] _places;
    private readonly int[] _firstChunk;
    private readonly GateUp _gateUp;
    private readonly Down _down;
    private ActivationMatrix _x = null!;
    private float* _y;

    // Of the groups that were added, in this order: summed up, activated, neither.
    private int _accumulated;
    private int _activated;
    private int _count;
    private int _gateUpRows;
    private int _downRows;

    /// <param name="pool">The threads.</param>
    /// <param name="maxGroups">The most groups of a call.</param>
    public FeedForward(WorkerPool pool, int maxGroups)
    {
        _pool = pool;
        _groups = new FeedForwardGroup[maxGroups];
        _places = new int[maxGroups];
        _firstChunk = new int[maxGroups + 1];
        _gateUp = new GateUp(this);
        _down = new Down(this);
    }

    /// <summary>Starts a call for the inputs <paramref name="x"/>.</summary>
    public void Begin(ActivationMatrix x)
    {
        _x = x;
        _count = _activated = _accumulated = 0;
    }

    /// <summary>Adds a group.</summary>
    /// <param name="place">Where its results come in the order of the sums.</param>
    /// <param name="group">The group.</param>
    public void Add(int place, in FeedForwardGroup group)
    {
        _places[_count] = place;
        _groups[_count++] = group;
    }

    /// <summary>Computes the inner activations of the groups added since the last call.</summary>
    public void Activate()
    {
        int rows = 0;
        for (int g = _activated; g < _count; g++)
        {
            rows += _groups[g].Network.Gate.Rows;
        }

        _gateUpRows = Projection.ChunkRows(rows, _x.Rows, _x.Tiled, _pool.Threads);
        _firstChunk[_activated] = 0;
        for (int g = _activated; g < _count; g++)
        {
            _firstChunk[g + 1] = _firstChunk[g] + ((_groups[g].Network.Gate.Rows + _gateUpRows - 1) / _gateUpRows);
            _x.Prepare(_groups[g].Network.Gate.Kernel.Activation, _pool);
            _x.Prepare(_groups[g].Network.Up.Kernel.Activation, _pool);
        }

        _pool.Run(_gateUp, _firstChunk[_count]);
        _activated = _count;
    }

    /// <summary>Adds the results of the groups activated since the last call to <paramref name="y"/>, [rows of x][E].</summary>
    public void Accumulate(float* y)
    {
        _y = y;
        Array.Sort(_places, _groups, _accumulated, _count - _accumulated);
        PrepareHidden();
        _downRows = Projection.ChunkRows(_x.Columns, _x.Rows, _x.Tiled, _pool.Threads);
        _pool.Run(_down, (_x.Columns + _downRows - 1) / _downRows);
        _accumulated = _count;
    }

    /// <summary>Quantises the inner activations; groups that share a matrix have neighbouring rows in it.</summary>
    private void PrepareHidden()
    {
        for (int g = _accumulated; g < _count;)
        {
            ref readonly FeedForwardGroup first = ref _groups[g];
            ActivationFormat format = first.Network.Down.Kernel.Activation;
            int end = first.FirstHidden;
            for (; g < _count && _groups[g].Hidden == first.Hidden && _groups[g].FirstHidden == end && _groups[g].Network.Down.Kernel.Activation == format; g++)
            {
                end += _groups[g].Rows;
            }

            first.Hidden.PrepareRows(format, _pool, first.FirstHidden, end - first.FirstHidden);
        }
    }

    private static void Gated(Span<float> gate, ReadOnlySpan<float> up, Span<float> hidden)
    {
        // silu(g) * u = g * sigmoid(g) * u
        TensorPrimitives.Sigmoid(gate, hidden);
        TensorPrimitives.Multiply(hidden, gate, hidden);
        TensorPrimitives.Multiply(hidden, up, hidden);
    }

    /// <summary>First region: chunks are rows of the gate and up matrices of all groups.</summary>
    private sealed class GateUp(FeedForward owner) : IParallelJob
    {
        [SkipLocalsInit]
        public void Execute(int chunk, int worker)
        {
            int[] first = owner._firstChunk;
            int g = Array.BinarySearch(first, owner._activated, owner._count - owner._activated, chunk);
            g = g < 0 ? ~g - 1 : g;

            ref readonly FeedForwardGroup group = ref owner._groups[g];
            WeightMatrix gate = group.Network.Gate;
            WeightMatrix up = group.Network.Up;
            int stride = owner._gateUpRows;
            int row = (chunk - first[g]) * stride;
            int rows = Math.Min(stride, gate.Rows - row);
            float* gates = stackalloc float[ColumnsPerPass * RowsPerChunk];
            float* ups = stackalloc float[ColumnsPerPass * RowsPerChunk];
            for (int column = 0; column < group.Rows; column += ColumnsPerPass)
            {
                int columns = Math.Min(ColumnsPerPass, group.Rows - column);
                int* tokens = group.Tokens == null ? null : group.Tokens + column;
                int shift = tokens == null ? column : 0;
                int tiled = Math.Clamp(group.Tiled - column, 0, columns);
                gate.Kernel.Multiply(gate, row, row + rows, owner._x.View(gate.Kernel.Activation).From(shift), tokens, columns, tiled, gates, stride);
                up.Kernel.Multiply(up, row, row + rows, owner._x.View(up.Kernel.Activation).From(shift), tokens, columns, tiled, ups, stride);
                for (int c = 0; c < columns; c++)
                {
                    Gated(
                        new Span<float>(gates + c * stride, rows),
                        new ReadOnlySpan<float>(ups + c * stride, rows),
                        new Span<float>(group.Hidden.Row(group.FirstHidden + column + c) + row, rows));
                }
            }
        }
    }

    /// <summary>Second region: chunks are rows of y, over all groups.</summary>
    private sealed class Down(FeedForward owner) : IParallelJob
    {
        [SkipLocalsInit]
        public void Execute(int chunk, int worker)
        {
            int embedding = owner._x.Columns;
            int stride = owner._downRows;
            int row = chunk * stride;
            int rows = Math.Min(stride, embedding - row);
            float* tile = stackalloc float[ColumnsPerPass * RowsPerChunk];
            for (int g = owner._accumulated; g < owner._count; g++)
            {
                ref readonly FeedForwardGroup group = ref owner._groups[g];
                WeightMatrix down = group.Network.Down;
                ActivationRows hidden = group.Hidden.View(down.Kernel.Activation).From(group.FirstHidden);
                for (int column = 0; column < group.Rows; column += ColumnsPerPass)
                {
                    int columns = Math.Min(ColumnsPerPass, group.Rows - column);
                    down.Kernel.Multiply(down, row, row + rows, hidden.From(column), null, columns, Math.Clamp(group.Tiled - column, 0, columns), tile, stride);
                    for (int c = 0; c < columns; c++)
                    {
                        int token = group.Tokens == null ? column + c : group.Tokens[column + c];
                        float weight = group.Weights == null ? 1 : group.Weights[column + c];
                        var y = new Span<float>(owner._y + ((long)token * embedding) + row, rows);
                        TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(tile + c * stride, rows), weight, y, y);
                    }
                }
            }
        }
    }
}
