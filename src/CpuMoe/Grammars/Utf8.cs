using System.Text;

namespace CpuMoe.Grammars;

/// <summary>Sets of code points as sequences of byte ranges.</summary>
internal static class Utf8
{
    // The code points with one, two, three and four bytes.
    private static readonly (int First, int Last)[] Lengths = [(0, 0x7F), (0x80, 0x7FF), (0x800, 0xFFFF), (0x10000, 0x10FFFF)];

    /// <summary>Any character.</summary>
    public static Expression AnyCharacter { get; } = OneOf(CodePointSet.All);

    /// <summary>One character of a set, in UTF-8.</summary>
    public static Expression OneOf(CodePointSet set)
    {
        List<Expression> choices = [];
        var singles = default(Automata.ByteSet);
        foreach ((int first, int last) in set.Ranges)
        {
            foreach ((int lengthFirst, int lengthLast) in Lengths)
            {
                int low = Math.Max(first, lengthFirst), high = Math.Min(last, lengthLast);
                if (low > high)
                {
                    continue;
                }

                if (high < 0x80)
                {
                    singles |= Automata.ByteSet.Range(low, high);
                }
                else
                {
                    Split(Encode(low), Encode(high), [], choices);
                }
            }
        }

        if (singles != default)
        {
            choices.Add(new ByteExpression(singles));
        }

        return Expression.Choice(choices);
    }

    /// <summary>All encodings from <paramref name="low"/> to <paramref name="high"/>, of one length, after a prefix.</summary>
    private static void Split(ReadOnlySpan<byte> low, ReadOnlySpan<byte> high, Expression[] prefix, List<Expression> choices)
    {
        if (low.Length == 1 || (IsAll(low[1..], 0x80) && IsAll(high[1..], 0xBF)))
        {
            // The following bytes run through all their values for each value of the first.
            Expression[] following = [.. Enumerable.Repeat(Expression.Byte(0x80, 0xBF), low.Length - 1)];
            choices.Add(Expression.Sequence([.. prefix, Expression.Byte(low[0], high[0]), .. following]));
        }
        else if (low[0] == high[0])
        {
            Split(low[1..], high[1..], [.. prefix, Expression.Byte(low[0], low[0])], choices);
        }
        else
        {
            // The part with the first byte of low, the part with that of high, and all between. The ends of the outer
            // parts are reached with the largest and the smallest following bytes, which are valid there.
            Span<byte> lowest = stackalloc byte[low.Length], largest = stackalloc byte[low.Length];
            lowest.Fill(0x80);
            largest.Fill(0xBF);
            int between = low[0], end = high[0];
            if (!IsAll(low[1..], 0x80))
            {
                largest[0] = low[0];
                Split(low, largest, prefix, choices);
                between++;
            }

            if (!IsAll(high[1..], 0xBF))
            {
                lowest[0] = high[0];
                Split(lowest, high, prefix, choices);
                end--;
            }

            if (between <= end)
            {
                lowest[0] = (byte)between;
                largest[0] = (byte)end;
                Split(lowest, largest, prefix, choices);
            }
        }
    }

    private static bool IsAll(ReadOnlySpan<byte> bytes, byte value) => !bytes.ContainsAnyExcept(value);

    private static byte[] Encode(int codePoint) => Encoding.UTF8.GetBytes(new Rune(codePoint).ToString());
}
