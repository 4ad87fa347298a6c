using System.Globalization;
using System.Text;

namespace CpuMoe.Grammars.Regex;

/// <summary>What a backslash makes of the character after it.</summary>
internal static class RegexEscapes
{
    private static readonly CodePointSet Digits = CodePointSet.Of(('0', '9'));
    private static readonly CodePointSet Word = CodePointSet.Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'));

    // White space and line terminators of ECMAScript.
    private static readonly CodePointSet Space = CodePointSet.Of(
        ('\t', '\r'), (' ', ' '), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF));

    /// <summary>Reads an escape after its backslash.</summary>
    public static CodePointSet Read(SourceText source)
    {
        if (source.IsAtEnd)
        {
            throw source.Fault("the pattern ends after a backslash");
        }

        char kind = source.Next;
        if (char.IsAsciiDigit(kind) && kind != '0')
        {
            throw source.Fault("references to groups are not supported");
        }

        int character = source.Read();
        return kind switch
        {
            'd' => Digits,
            'D' => Digits.Complement(),
            'w' => Word,
            'W' => Word.Complement(),
            's' => Space,
            'S' => Space.Complement(),
            'p' => Category(source),
            'P' => Category(source).Complement(),
            't' => Of('\t'),
            'n' => Of('\n'),
            'r' => Of('\r'),
            'f' => Of('\f'),
            'v' => Of('\v'),
            '0' => Of('\0'),
            'x' => Of(source.ReadHexadecimal(2)),
            'u' => Of(source.Skip("{") ? ReadBraced(source) : source.ReadHexadecimal(4)),
            _ when char.IsAsciiLetter(kind) => throw source.Fault($"'\\{kind}' is not supported"),
            _ => Of(character),
        };
    }

    private static int ReadBraced(SourceText source)
    {
        string digits = source.ReadTo("}", "after the number of a character");
        return int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) && Rune.IsValid(value)
            ? value
            : throw source.Fault($"'{digits}' is not the hexadecimal number of a character");
    }

    /// <summary>The characters of a Unicode general category, by its short name: L, Lu, Nd, ...</summary>
    private static CodePointSet Category(SourceText source)
    {
        source.Expect("{", "before the name of a Unicode category");
        string name = source.ReadTo("}", "after the name of a Unicode category");
        List<(int, int)> members = [];
        for (int value = 0; value <= 0x10FFFF; value++)
        {
            if (Rune.IsValid(value) && ShortNames[(int)Rune.GetUnicodeCategory(new Rune(value))].StartsWith(name, StringComparison.Ordinal))
            {
                members.Add((value, value));
            }
        }

        return name.Length is 1 or 2 && members.Count > 0 ? CodePointSet.Of(members) : throw source.Fault($"the Unicode category '{name}' is not supported; use one like L, Lu or Nd");
    }

    // In the order of System.Globalization.UnicodeCategory.
    private static readonly string[] ShortNames =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
        "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    private static CodePointSet Of(int codePoint) => CodePointSet.Of((codePoint, codePoint));
}
