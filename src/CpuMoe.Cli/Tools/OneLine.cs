namespace CpuMoe.Cli.Tools;

/// <summary>Texts of models and servers as part of a notice.</summary>
internal static class OneLine
{
    private const int MaxLength = 300;

    /// <summary>The text in one line without control characters, which a terminal might obey, and not too long.</summary>
    public static string Of(string text)
    {
        ReadOnlySpan<char> shown = text.AsSpan(0, Math.Min(text.Length, MaxLength));
        return string.Create(shown.Length, shown, static (line, source) =>
        {
            for (int i = 0; i < line.Length; i++)
            {
                line[i] = char.IsControl(source[i]) ? ' ' : source[i];
            }
        }) + (text.Length > MaxLength ? "..." : "");
    }
}
