using System.Text;

namespace CpuMoe.Server.Responses;

/// <summary>
/// A thought in <c>encrypted_content</c>, which clients such as Codex send back while they drop its readable text: the
/// server keeps no state, and models need their thoughts between calls of tools. It is not secret, only in a form that nobody takes for text.
/// </summary>
internal static class SealedThought
{
    private const string Prefix = "cpumoe-thought:";

    /// <summary>Seals a thought.</summary>
    public static string Seal(string thought) => Prefix + Convert.ToBase64String(Encoding.UTF8.GetBytes(thought));

    /// <summary>The thought; empty for what another server has sealed.</summary>
    public static string Open(string? content)
    {
        if (content is null || !content.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return "";
        }

        byte[] bytes = new byte[content.Length];
        return Convert.TryFromBase64Chars(content.AsSpan(Prefix.Length), bytes, out int count) ? Encoding.UTF8.GetString(bytes, 0, count) : "";
    }
}
