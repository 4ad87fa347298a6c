using System.Text;

namespace CpuMoe.Chat;

/// <summary>Values in the spelling of Python, which models sometimes write where JSON is asked for.</summary>
internal static class PythonLiteral
{
    /// <summary>Replaces single quotation marks and <c>True</c>, <c>False</c>, <c>None</c>; whether the result is JSON is to be seen. Null where a string has no end.</summary>
    public static string? ToJson(string text)
    {
        StringBuilder json = new(text.Length);
        for (int at = 0; at < text.Length;)
        {
            if (text[at] is '\'' or '"')
            {
                int end = EndOfString(text, at);
                if (end < 0)
                {
                    return null;
                }

                json.Append(text[at] == '"' ? text[at..end] : ArgumentText.Quote(Unescape(text[(at + 1)..(end - 1)])));
                at = end;
            }
            else if (char.IsAsciiLetter(text[at]))
            {
                int end = at;
                while (end < text.Length && char.IsAsciiLetter(text[end]))
                {
                    end++;
                }

                json.Append(text[at..end] switch { "True" => "true", "False" => "false", "None" => "null", string word => word });
                at = end;
            }
            else
            {
                json.Append(text[at++]);
            }
        }

        return json.ToString();
    }

    private static int EndOfString(string text, int start)
    {
        for (int at = start + 1; at < text.Length; at++)
        {
            if (text[at] == '\\')
            {
                at++;
            }
            else if (text[at] == text[start])
            {
                return at + 1;
            }
        }

        return -1;
    }

    private static string Unescape(string text)
    {
        StringBuilder plain = new(text.Length);
        for (int at = 0; at < text.Length; at++)
        {
            bool isEscape = text[at] == '\\' && at + 1 < text.Length;
            plain.Append(!isEscape ? text[at] : text[++at] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', char other => other });
        }

        return plain.ToString();
    }
}
