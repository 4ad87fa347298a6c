using System.Text;

namespace CpuMoe.Gguf;

/// <summary>What a file is to contain: metadata and tensor declarations, checked by the rules of the reader.</summary>
internal sealed class GgufContent
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly List<GgufEntry> _entries = [];
    private readonly List<Tensor> _tensors = [];

    public IReadOnlyList<GgufEntry> Entries => _entries;

    public IReadOnlyList<Tensor> Tensors => _tensors;

    /// <summary>The alignment of the data, as <c>general.alignment</c> asks.</summary>
    public int Alignment { get; private set; } = GgufRules.DefaultAlignment;

    /// <summary>The bytes of a text; lone surrogates are refused rather than replaced.</summary>
    /// <exception cref="ArgumentException">The text has no UTF-8 form.</exception>
    public static byte[] Utf8(string text) => StrictUtf8.GetBytes(text);

    public void Add(GgufEntry entry)
    {
        ThrowOn(GgufRules.KeyProblem(Utf8(entry.Key)), nameof(entry), entry.Key);
        ThrowOn(_entries.Count == GgufRules.MaxEntries ? "too many keys" : null, nameof(entry), entry.Key);
        ThrowOn(entry.Value is Array { Length: > GgufRules.MaxArrayElements } ? "the array is too long" : null, nameof(entry), entry.Key);
        if (entry.Key == GgufRules.AlignmentKey)
        {
            ThrowOn(GgufRules.AlignmentProblem(entry.Value), nameof(entry), entry.Key);
        }

        ThrowOn(_keys.Add(entry.Key) ? null : "the key was added before", nameof(entry), entry.Key);
        Alignment = entry.Key == GgufRules.AlignmentKey ? (int)(uint)entry.Value : Alignment;
        _entries.Add(entry);
    }

    public void Declare(string name, GgmlType type, ReadOnlySpan<long> dimensions)
    {
        ThrowOn(GgufRules.TensorNameProblem(Utf8(name)), nameof(name), name);
        ThrowOn(GgufRules.TypeProblem(type), nameof(type), name);
        ThrowOn(GgufRules.ShapeProblem(type, dimensions, out long byteCount), nameof(dimensions), name);
        ThrowOn(_tensors.Count == GgufRules.MaxTensors ? "too many tensors" : null, nameof(name), name);
        ThrowOn(_names.Add(name) ? null : "the tensor was declared before", nameof(name), name);
        _tensors.Add(new Tensor(name, type, dimensions.ToArray(), byteCount));
    }

    private static void ThrowOn(string? problem, string parameter, string what)
    {
        if (problem is not null)
        {
            throw new ArgumentException($"{GgufRules.Printable(what)}: {problem}.", parameter);
        }
    }

    /// <summary>A declared tensor.</summary>
    public sealed record Tensor(string Name, GgmlType Type, long[] Dimensions, long ByteCount);
}
