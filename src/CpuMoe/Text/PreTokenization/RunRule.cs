namespace CpuMoe.Text.PreTokenization;

/// <summary>The pattern <c>[set]{1,limit}</c>, or <c>\s?[set]{1,limit}</c> where a leading white space belongs to the run.</summary>
/// <param name="contains">The set of code points.</param>
/// <param name="leadingSpace">Whether one white space may precede the run.</param>
/// <param name="limit">The most code points of the set in one match.</param>
internal sealed class RunRule(Func<int, bool> contains, bool leadingSpace = false, int limit = int.MaxValue) : SplitRule
{
    internal override bool TryFind(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        for (start = from; start < text.Length;)
        {
            CharClass first = CodePoints.ClassAt(text, start, out int length);
            if (leadingSpace && (first & CharClass.Space) != 0)
            {
                end = RunEnd(text, start + length);
                if (end > start + length)
                {
                    return true;
                }
            }

            end = RunEnd(text, start);
            if (end > start)
            {
                return true;
            }

            start += length;
        }

        end = start;
        return false;
    }

    private int RunEnd(ReadOnlySpan<char> text, int index)
    {
        for (int count = 0; count < limit && index < text.Length && contains(CodePoints.At(text, index, out int length)); count++)
        {
            index += length;
        }

        return index;
    }
}
