namespace CpuMoe.Chat;

/// <summary>The tools that a reply may call, and how calls are written and named.</summary>
internal sealed class OfferedTools
{
    private const string IdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const int IdLength = 24;

    private readonly Dictionary<string, ToolSignature> _signatures = new(StringComparer.Ordinal);
    private readonly Random _random;

    public OfferedTools(ToolCallFormat format, IReadOnlyList<ToolDefinition> tools, Random random)
    {
        Format = format;
        _random = random;
        foreach (ToolDefinition tool in tools)
        {
            _signatures[tool.Name] = new ToolSignature(tool);
            LongestName = Math.Max(LongestName, tool.Name.Length);
        }
    }

    /// <summary>How calls are written.</summary>
    public ToolCallFormat Format { get; }

    /// <summary>The length of the longest name.</summary>
    public int LongestName { get; }

    /// <summary>The tool of a name; null where there is none.</summary>
    public ToolSignature? Find(string name) => _signatures.GetValueOrDefault(name);

    /// <summary>A new name for a call.</summary>
    public string NewId() => "call_" + new string(_random.GetItems<char>(IdAlphabet, IdLength));
}
