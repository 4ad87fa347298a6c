using System.Runtime.InteropServices;
using CpuMoe.Gguf;
using CpuMoe.Text;

namespace CpuMoe.Synth;

/// <summary>
/// Biases the logits, so that what a random model writes is letters and spaces and its turns end by themselves: servers
/// and their clients can then be tried with a model of any shape.
/// </summary>
/// <remarks>
/// The architectures have no bias of the logits. Here one dimension of the residual stream is the same for all tokens:
/// embeddings set it, and the rows of the matrices that would add to it are zero. So a column of the head is a bias.
/// For its values embeddings and head are F16 in all mixes.
/// </remarks>
internal sealed class TurnBias
{
    // Logits have a standard deviation of 1: a token with this bias does not come up.
    private const float Never = -40;

    // How much larger the residual stream is where it comes to the head (measured; behind few tokens it is a little more).
    private const double Growth = 1.1;

    private const int Column = 0;

    private readonly Half[] _biases;

    /// <summary>Plans the bias.</summary>
    /// <param name="shape">The vocabulary.</param>
    /// <param name="length">
    /// About how many tokens a turn has at temperature 1 where nothing else limits the choice; a lower temperature and
    /// limits such as top-k make turns shorter. At least 1.
    /// </param>
    public TurnBias(VocabularyShape shape, double length)
    {
        SyntheticVocabulary vocabulary = new(shape);
        _biases = new Half[shape.Size];
        Array.Fill(_biases, (Half)Never);
        int words = shape.SpecialStart - SyntheticVocabulary.ByteTokens;
        Array.Clear(_biases, SyntheticVocabulary.ByteTokens, words);

        // The logits of letters are normally distributed with variance 1, hence the mean of their exponentials is e^(1/2).
        EndToken = Array.IndexOf(vocabulary.Texts, EndOfTurn(shape.Family), shape.SpecialStart);
        _biases[EndToken] = (Half)(Math.Log(words / length) + 0.5);
    }

    /// <summary>The id of the token that ends a turn.</summary>
    public int EndToken { get; }

    /// <summary>Changes the values of a tensor that matter.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="bytes">Whole blocks of it.</param>
    /// <param name="position">The offset of the first byte in the tensor.</param>
    /// <param name="embeddingDeviation">The standard deviation of the token embeddings.</param>
    public void Apply(PlannedTensor tensor, Span<byte> bytes, long position, double embeddingDeviation)
    {
        switch (tensor.Role)
        {
            case TensorRole.Residual:
                ClearRow(tensor, bytes, position, Column);
                break;
            case TensorRole.Embedding when tensor.Type == GgmlType.F16:
                SetColumn(tensor, bytes, position, _ => (Half)(Growth * embeddingDeviation));
                break;
            case TensorRole.Head:
                // That of the end is its bias alone: what the tokens of one text have in common would move it otherwise.
                ClearRow(tensor, bytes, position, EndToken);
                SetColumn(tensor, bytes, position, row => _biases[row]);
                break;
            case TensorRole.HeadNorm:
                MemoryMarshal.Cast<byte, float>(bytes)[Column] = 1;
                break;
            default:
                break;
        }
    }

    private static string EndOfTurn(VocabularyFamily family) =>
        family.Roles.OrderByDescending(role => role.Key == TokenizerKeys.Eot).First(role => role.Key is TokenizerKeys.Eot or TokenizerKeys.Eos).Text;

    /// <summary>Makes a row of a matrix, or of each of several, zero: zero bytes are in all formats.</summary>
    private static void ClearRow(PlannedTensor tensor, Span<byte> bytes, long position, int row)
    {
        long rowBytes = tensor.Type.RowBytes(tensor.Dimensions[0]);
        long matrixBytes = rowBytes * tensor.Dimensions[1];
        for (long at = (position / matrixBytes * matrixBytes) + (row * rowBytes); at < position + bytes.Length; at += matrixBytes)
        {
            long start = Math.Max(at, position), end = Math.Min(at + rowBytes, position + bytes.Length);
            if (start < end)
            {
                bytes[(int)(start - position)..(int)(end - position)].Clear();
            }
        }
    }

    private static void SetColumn(PlannedTensor tensor, Span<byte> bytes, long position, Func<int, Half> valueOf)
    {
        Span<Half> values = MemoryMarshal.Cast<byte, Half>(bytes);
        long first = position / sizeof(short), columns = tensor.Dimensions[0];
        for (long row = (first + columns - 1) / columns; row * columns < first + values.Length; row++)
        {
            values[(int)((row * columns) - first)] = valueOf((int)row);
        }
    }
}
