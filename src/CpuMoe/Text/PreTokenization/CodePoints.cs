using System.Globalization;

namespace CpuMoe.Text.PreTokenization;

/// <summary>What the split patterns tell apart; every code point is exactly one of letter, number, space, other.</summary>
[Flags]
internal enum CharClass : byte
{
    /// <summary>None of the classes.</summary>
    None = 0,

    /// <summary><c>\p{L}</c></summary>
    Letter = 1,

    /// <summary><c>\p{N}</c></summary>
    Number = 2,

    /// <summary><c>\s</c>: the Unicode property White_Space.</summary>
    Space = 4,

    /// <summary><c>[\r\n]</c>, which is also <see cref="Space"/>.</summary>
    LineBreak = 8,

    /// <summary><c>[^\s\p{L}\p{N}]</c></summary>
    Other = 16,
}

/// <summary>Reads UTF-16 text by code points, as the split patterns are defined on them.</summary>
/// <remarks>.NET's <c>Regex</c> classifies UTF-16 units, so letters outside the basic plane would be split wrongly.</remarks>
internal static class CodePoints
{
    /// <summary>The code point at <paramref name="index"/> and its number of UTF-16 units; a lone surrogate stands for itself.</summary>
    internal static int At(ReadOnlySpan<char> text, int index, out int length)
    {
        char first = text[index];
        if (char.IsHighSurrogate(first) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]))
        {
            length = 2;
            return char.ConvertToUtf32(first, text[index + 1]);
        }

        length = 1;
        return first;
    }

    /// <summary>The class of a code point.</summary>
    internal static CharClass ClassOf(int codePoint)
    {
        if (codePoint is '\r' or '\n')
        {
            return CharClass.Space | CharClass.LineBreak;
        }

        if (codePoint <= char.MaxValue && char.IsWhiteSpace((char)codePoint))
        {
            return CharClass.Space;
        }

        return CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharClass.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharClass.Number,
            _ => CharClass.Other,
        };
    }

    /// <summary>The class of the code point at <paramref name="index"/>, <see cref="CharClass.None"/> at the end of the text.</summary>
    internal static CharClass ClassAt(ReadOnlySpan<char> text, int index, out int length)
    {
        if (index < text.Length)
        {
            return ClassOf(At(text, index, out length));
        }

        length = 0;
        return CharClass.None;
    }

    /// <summary>The end of the run of at most <paramref name="limit"/> code points of the given classes.</summary>
    internal static int SkipWhile(ReadOnlySpan<char> text, int index, CharClass classes, int limit = int.MaxValue)
    {
        for (int count = 0; count < limit && (ClassAt(text, index, out int length) & classes) != 0; count++)
        {
            index += length;
        }

        return index;
    }
}
