using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CpuMoe.Gguf;

namespace CpuMoe.Experts;

/// <summary>Remembers from one run to the next which experts of a model were wanted most.</summary>
/// <remarks>
/// A text file per model: a first line that says for which model it is, then the numbers of experts, the most wanted
/// first. It only saves time: what cannot be read or written, or does not fit the model, is as if it were not there.
/// </remarks>
internal sealed class ExpertHistory
{
    private readonly string _path;
    private readonly string _header;
    private readonly int _experts;

    /// <param name="folder">Where the files of all models are.</param>
    /// <param name="file">The model.</param>
    /// <param name="experts">Experts of all layers.</param>
    public ExpertHistory(string folder, GgufFile file, int experts)
    {
        _experts = experts;
        _header = string.Create(CultureInfo.InvariantCulture, $"cpumoe experts 1: {experts} of {file.FileBytes} bytes");
        string model = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFullPath(file.Path))))[..16];
        _path = Path.Combine(folder, $"{model}.experts");
    }

    /// <summary>The experts the last run wanted most; none where nothing is known.</summary>
    public int[] Load()
    {
        try
        {
            // A number and its line end are at most 12 bytes.
            if (!File.Exists(_path) || new FileInfo(_path).Length > _header.Length + 2 + (12L * _experts))
            {
                return [];
            }

            string[] lines = File.ReadAllLines(_path);
            if (lines.Length == 0 || lines[0] != _header)
            {
                return [];
            }

            int[] experts = [.. lines.Skip(1).Select(line => int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out int key) ? key : -1)];
            return experts.All(key => key >= 0 && key < _experts) && experts.Distinct().Count() == experts.Length ? experts : [];
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Writes the experts wanted most, whole or not at all.</summary>
    public void Save(IReadOnlyList<int> experts)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            string draft = $"{_path}.{Environment.ProcessId}";
            File.WriteAllLines(draft, [_header, .. experts.Select(key => key.ToString(CultureInfo.InvariantCulture))]);
            File.Move(draft, _path, overwrite: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // The next run starts cold.
        }
    }
}
