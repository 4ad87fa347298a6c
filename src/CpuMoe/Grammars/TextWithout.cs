using System.Text;
using CpuMoe.Grammars.Automata;

namespace CpuMoe.Grammars;

/// <summary>Any text in which a certain text does not occur.</summary>
internal static class TextWithout
{
    /// <summary>
    /// Adds rules for all texts without <paramref name="absent"/>, one for each part of it that may just have been
    /// written (Knuth, Morris, Pratt 1977, "Fast pattern matching in strings").
    /// </summary>
    /// <param name="rules">Where the rules are added.</param>
    /// <param name="name">The beginning of their names.</param>
    /// <param name="absent">An ASCII text.</param>
    public static RuleExpression Add(GrammarRules rules, string name, string absent)
    {
        byte[] text = Encoding.ASCII.GetBytes(absent);
        RuleExpression[] states = [.. text.Select((_, written) => rules.Declare($"{name}-{written}"))];
        CodePointSet notAscii = CodePointSet.Of((0x80, 0x10FFFF));
        for (int written = 0; written < states.Length; written++)
        {
            var following = new ByteSet[states.Length + 1];
            for (int b = 0; b < 0x80; b++)
            {
                following[Follow(text, written, (byte)b)] |= ByteSet.Range(b, b);
            }

            rules.Define(
                states[written],
                Expression.Choice(
                [
                    Expression.Empty,
                    Expression.Sequence(Utf8.OneOf(notAscii), states[0]),
                    .. Enumerable.Range(0, states.Length).Where(next => following[next] != default)
                        .Select(next => Expression.Sequence(new ByteExpression(following[next]), states[next])),
                ]));
        }

        return states[0];
    }

    /// <summary>How much of the text is written when a byte comes after a part of it.</summary>
    private static int Follow(byte[] text, int written, byte next)
    {
        byte[] tail = [.. text.AsSpan(0, written), next];
        int length = tail.Length;
        while (!text.AsSpan().StartsWith(tail.AsSpan(tail.Length - length)))
        {
            length--;
        }

        return length;
    }
}
