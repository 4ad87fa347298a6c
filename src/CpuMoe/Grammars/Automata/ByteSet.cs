namespace CpuMoe.Grammars.Automata;

/// <summary>A set of bytes.</summary>
internal readonly record struct ByteSet(ulong Bits0, ulong Bits1, ulong Bits2, ulong Bits3)
{
    /// <summary>Whether a byte is in the set.</summary>
    public bool Contains(byte value)
    {
        ulong bits = (value >> 6) switch { 0 => Bits0, 1 => Bits1, 2 => Bits2, _ => Bits3 };
        return ((bits >> (value & 63)) & 1) != 0;
    }

    /// <summary>The bytes from <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public static ByteSet Range(int first, int last) => new(Word(first, last, 0), Word(first, last, 64), Word(first, last, 128), Word(first, last, 192));

    /// <summary>The bytes that are in one of two sets.</summary>
    public static ByteSet operator |(ByteSet a, ByteSet b) => new(a.Bits0 | b.Bits0, a.Bits1 | b.Bits1, a.Bits2 | b.Bits2, a.Bits3 | b.Bits3);

    private static ulong Word(int first, int last, int start)
    {
        int low = Math.Max(first - start, 0), high = Math.Min(last - start, 63);
        return low > high ? 0 : (ulong.MaxValue >> (63 - high)) & (ulong.MaxValue << low);
    }
}
