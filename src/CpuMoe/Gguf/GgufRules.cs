using System.Text;
using System.Text.Unicode;

namespace CpuMoe.Gguf;

/// <summary>What the container allows: the limits and checks that reader and writer share.</summary>
/// <remarks>
/// The limits lie far above every real model and far below what a damaged count can claim. The checks return the
/// problem in words, or null.
/// </remarks>
internal static class GgufRules
{
    public const uint MaxVersion = 3;
    public const int HeaderBytes = 24;
    public const int DefaultAlignment = 32;
    public const uint MaxAlignment = 65536;
    public const int MaxKeyBytes = 65535;
    public const int MaxTextBytes = 64 << 20;
    public const int MaxArrayElements = 16 << 20;
    public const int MaxEntries = 65536;
    public const int MaxTensors = 1 << 20;
    public const int MaxTensorNameBytes = 63;
    public const int MaxDimensions = 4;
    public const long MaxTensorElements = (1L << 48) - 1;
    public const long MaxMetadataBytes = 1L << 30;
    public const int MaxParts = 1000;

    /// <summary>The least bytes of a metadata record: key length, one key byte, type, one value byte.</summary>
    public const int MinEntryBytes = 8 + 1 + 4 + 1;

    /// <summary>The least bytes of a tensor record: name length, one name byte, dimension count, type, offset.</summary>
    public const int MinTensorBytes = 8 + 1 + 4 + 4 + 8;

    public const string AlignmentKey = "general.alignment";
    public const string ArchitectureKey = "general.architecture";

    /// <summary>The next multiple of a power of two.</summary>
    public static long Align(long position, int alignment) => (position + alignment - 1) & -alignment;

    public static string? KeyProblem(ReadOnlySpan<byte> utf8) =>
        utf8.IsEmpty ? "the key is empty"
        : utf8.Length > MaxKeyBytes ? $"the key has {utf8.Length} bytes, more than {MaxKeyBytes}"
        : !Utf8.IsValid(utf8) ? "the key is not valid UTF-8"
        : null;

    public static string? TensorNameProblem(ReadOnlySpan<byte> utf8) =>
        utf8.IsEmpty ? "the tensor name is empty"
        : utf8.Length > MaxTensorNameBytes ? $"the tensor name has {utf8.Length} bytes, more than {MaxTensorNameBytes}"
        : utf8.Contains((byte)0) ? "the tensor name contains a NUL"
        : !Utf8.IsValid(utf8) ? "the tensor name is not valid UTF-8"
        : null;

    public static string? AlignmentProblem(object value) => value switch
    {
        not uint => "the alignment must be of type u32",
        < 8u or > MaxAlignment => $"the alignment {value} is outside 8 to {MaxAlignment}",
        uint a when (a & (a - 1)) != 0 => $"the alignment {value} is not a power of two",
        _ => null,
    };

    public static string? TypeProblem(GgmlType type) => type.IsKnown() ? null : (uint)type switch
    {
        4 or 5 or (>= 31 and <= 33) or (>= 36 and <= 38) =>
            $"tensor type {(uint)type} was removed from the format; convert the model again with a current tool",
        _ => $"tensor type {(uint)type} is unknown; it may be an extension of another engine, use a standard quantisation",
    };

    /// <summary>Checks the dimensions (row length first) of a tensor of a known type and computes its size in bytes.</summary>
    public static string? ShapeProblem(GgmlType type, ReadOnlySpan<long> dimensions, out long byteCount)
    {
        byteCount = 0;
        if (dimensions.Length > MaxDimensions)
        {
            return $"{dimensions.Length} dimensions, more than {MaxDimensions}";
        }

        long elements = 1;
        foreach (long dimension in dimensions)
        {
            if (dimension <= 0)
            {
                return $"dimension {dimension} is not positive";
            }

            if (dimension > MaxTensorElements / elements)
            {
                return $"the dimensions {Describe(dimensions)} make too many elements";
            }

            elements *= dimension;
        }

        long row = dimensions.IsEmpty ? 1 : dimensions[0];
        if (row % type.ValuesPerBlock() != 0)
        {
            return $"the row length {row} is not a multiple of the block size {type.ValuesPerBlock()} of {type}";
        }

        // At most 2^48 elements of at most 8 bytes: cannot overflow.
        byteCount = type.RowBytes(elements);
        return null;
    }

    /// <summary>Text from a file made fit for a message: control characters escaped, cut after <paramref name="limit"/> characters.</summary>
    public static string Printable(string text, int limit = 120)
    {
        StringBuilder result = new(Math.Min(text.Length, limit));
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, limit)))
        {
            _ = c switch
            {
                '\n' => result.Append("\\n"),
                '\r' => result.Append("\\r"),
                '\t' => result.Append("\\t"),
                _ when char.IsControl(c) => result.Append($"\\u{(int)c:x4}"),
                _ => result.Append(c),
            };
        }

        return text.Length > limit ? result.Append("...").ToString() : result.ToString();
    }

    private static string Describe(ReadOnlySpan<long> dimensions) => $"[{string.Join(", ", dimensions.ToArray())}]";
}
