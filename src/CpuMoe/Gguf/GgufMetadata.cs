using System.Diagnostics.CodeAnalysis;

namespace CpuMoe.Gguf;

/// <summary>The key/value part of a GGUF file, with typed getters.</summary>
/// <remarks>
/// Integer getters accept any integer type whose value fits, as real writers differ. A missing key or a value of
/// another kind is a <see cref="GgufFormatException"/> naming the key and the place of its record.
/// </remarks>
public sealed class GgufMetadata
{
    /// <summary>Whether the key is present.</summary>
    public bool Contains(string key) => throw new NotImplementedException();

    /// <summary>The byte offset of the record of <paramref name="key"/>, or -1.</summary>
    public long OffsetOf(string key) => throw new NotImplementedException();

    /// <summary>A required string.</summary>
    public string GetString(string key) => throw new NotImplementedException();

    /// <summary>An optional string.</summary>
    public bool TryGetString(string key, [NotNullWhen(true)] out string? value) => throw new NotImplementedException();

    /// <summary>A required integer.</summary>
    public int GetInt32(string key) => throw new NotImplementedException();

    /// <summary>An optional integer.</summary>
    public int GetInt32(string key, int fallback) => throw new NotImplementedException();

    /// <summary>A required float.</summary>
    public float GetSingle(string key) => throw new NotImplementedException();

    /// <summary>An optional float.</summary>
    public float GetSingle(string key, float fallback) => throw new NotImplementedException();

    /// <summary>An optional boolean.</summary>
    public bool GetBoolean(string key, bool fallback) => throw new NotImplementedException();

    /// <summary>An array of strings, or null when absent.</summary>
    public string[]? GetStrings(string key) => throw new NotImplementedException();

    /// <summary>An array of integers of any width that fits, or null when absent.</summary>
    public int[]? GetInt32s(string key) => throw new NotImplementedException();

    /// <summary>An array of floats, or null when absent.</summary>
    public float[]? GetSingles(string key) => throw new NotImplementedException();

    /// <summary>The fault that <paramref name="key"/> has the given problem, with the file and the place of its record.</summary>
    internal GgufFormatException Fault(string key, string problem) => throw new NotImplementedException();
}
