using System.Runtime.InteropServices;

namespace CpuMoe.Grammars.Automata;

/// <summary>Compares sets of positions, ascending.</summary>
internal sealed class PositionsComparer : IEqualityComparer<int[]>, IAlternateEqualityComparer<ReadOnlySpan<int>, int[]>
{
    public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(int[] obj) => GetHashCode(obj.AsSpan());

    public bool Equals(ReadOnlySpan<int> alternate, int[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<int> alternate)
    {
        HashCode hash = default;
        hash.AddBytes(MemoryMarshal.AsBytes(alternate));
        return hash.ToHashCode();
    }

    public int[] Create(ReadOnlySpan<int> alternate) => alternate.ToArray();
}

/// <summary>Compares configurations by the numbers of their topmost frames, ascending, and whether the text may end.</summary>
internal sealed class ConfigurationComparer : IEqualityComparer<(int[] Tops, bool CanEnd)>
{
    private readonly PositionsComparer _numbers = new();

    public bool Equals((int[] Tops, bool CanEnd) x, (int[] Tops, bool CanEnd) y) => x.CanEnd == y.CanEnd && _numbers.Equals(x.Tops, y.Tops);

    public int GetHashCode((int[] Tops, bool CanEnd) obj) => _numbers.GetHashCode(obj.Tops) + (obj.CanEnd ? 1 : 0);
}
