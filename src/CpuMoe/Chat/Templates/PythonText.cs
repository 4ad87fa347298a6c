namespace CpuMoe.Chat.Templates;

/// <summary>What Python says of characters.</summary>
internal static class PythonText
{
    /// <summary>Whether <c>str.isspace</c> holds; the information separators count, unlike in .NET.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001c' and <= '\u001f';
}
