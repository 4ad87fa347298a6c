using System.Runtime.InteropServices;
using CpuMoe.Generation;
using CpuMoe.Gguf;

namespace CpuMoe.Synth;

/// <summary>Draws the values of tensors. But for embeddings they depend on the seed, the name and the type, not on what else is in the file.</summary>
/// <param name="seed">The seed of the model.</param>
/// <param name="popularity">How often experts are to be chosen.</param>
/// <param name="hasSelectionBias">Whether routers have a bias to steer the choice with; otherwise the scale of their rows does.</param>
/// <param name="embeddingDeviation">The standard deviation of the token embeddings.</param>
/// <param name="turns">Biases the logits; null for random ones.</param>
internal sealed class WeightSource(ulong seed, ExpertPopularity popularity, bool hasSelectionBias, double embeddingDeviation, TurnBias? turns = null)
{
    private const int ChunkBytes = 1 << 20;
    private const double NormDeviation = 0.1;
    private const double BiasDeviation = 0.02;

    private readonly byte[] _chunk = new byte[ChunkBytes];
    private readonly byte[] _indices = new byte[ChunkBytes];

    /// <summary>Writes the data of a tensor.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="output">Takes exactly its bytes.</param>
    /// <param name="written">Called with the number of bytes after each piece.</param>
    public void Write(PlannedTensor tensor, Stream output, Action<int> written)
    {
        ulong tensorSeed = SeedOf(tensor.Name);
        RandomStream random = new(tensorSeed);
        long columns = tensor.Dimensions[0];
        double deviation = 1 / Math.Sqrt(columns);
        switch (tensor.Role)
        {
            case TensorRole.Matrix or TensorRole.Residual or TensorRole.Head:
                WriteMatrix(tensor, deviation, random, output, written);
                break;
            case TensorRole.Embedding:
                WriteMatrix(tensor, embeddingDeviation, random, output, written);
                break;
            case TensorRole.Norm:
                WriteVector(Normals(columns, 1, NormDeviation, random), output, written);
                break;
            case TensorRole.HeadNorm:
                float[] factors = Normals(columns, 1, NormDeviation, random);
                turns?.Apply(tensor, MemoryMarshal.AsBytes(factors.AsSpan()), 0, embeddingDeviation);
                WriteVector(factors, output, written);
                break;
            case TensorRole.Bias:
                WriteVector(Normals(columns, 0, BiasDeviation, random), output, written);
                break;
            case TensorRole.SelectionBias:
                WriteVector(popularity.SelectionBiases(new Xoshiro256(tensorSeed)), output, written);
                break;
            case TensorRole.Router:
                float[]? scales = hasSelectionBias ? null : popularity.RowScales(new Xoshiro256(tensorSeed));
                for (int row = 0; row < tensor.Dimensions[1]; row++)
                {
                    WriteVector(Normals(columns, 0, deviation * (scales?[row] ?? 1), random), output, written);
                }

                break;
        }
    }

    private static void WriteVector(float[] values, Stream output, Action<int> written)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes<float>(values);
        output.Write(bytes);
        written(bytes.Length);
    }

    private static float[] Normals(long count, double mean, double deviation, RandomStream random)
    {
        ushort[] indices = new ushort[count];
        random.Fill(MemoryMarshal.AsBytes(indices.AsSpan()));
        return Array.ConvertAll(indices, index => (float)(mean + (deviation * NormalTable.Values[index % NormalTable.Length])));
    }

    private void WriteMatrix(PlannedTensor tensor, double deviation, RandomStream random, Stream output, Action<int> written)
    {
        int blockBytes = tensor.Type.BytesPerBlock();
        int mostBytes = ChunkBytes / blockBytes * blockBytes;
        Half[]? halves = tensor.Type == GgmlType.F16 ? Array.ConvertAll(NormalTable.Values, value => (Half)(value * deviation)) : null;
        for (long left = tensor.ByteCount; left > 0;)
        {
            Span<byte> chunk = _chunk.AsSpan(0, (int)Math.Min(left, mostBytes));
            if (halves is not null)
            {
                Draw(halves, MemoryMarshal.Cast<byte, Half>(chunk), random);
            }
            else
            {
                random.Fill(chunk);
                BlockFiller.Of(tensor.Type).SetScales(chunk, blockBytes, deviation);
            }

            turns?.Apply(tensor, chunk, tensor.ByteCount - left, embeddingDeviation);
            output.Write(chunk);
            written(chunk.Length);
            left -= chunk.Length;
        }
    }

    private void Draw(Half[] table, Span<Half> values, RandomStream random)
    {
        Span<ushort> indices = MemoryMarshal.Cast<byte, ushort>(_indices.AsSpan())[..values.Length];
        random.Fill(MemoryMarshal.AsBytes(indices));
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = table[indices[i] % NormalTable.Length];
        }
    }

    // FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv; string.GetHashCode differs from run to run.
    private ulong SeedOf(string name) => name.Aggregate(0xCBF29CE484222325 ^ seed, (hash, character) => (hash ^ character) * 0x100000001B3);
}
