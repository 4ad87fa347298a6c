using System.Reflection;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using CpuMoe.Serving;

namespace CpuMoe.Server.Hosting;

/// <summary>A model under the name by which clients know it.</summary>
/// <param name="Name">Its own name.</param>
/// <param name="Engine">Answers for it.</param>
/// <param name="Created">When its file was written.</param>
internal sealed partial record ServedModel(string Name, ChatEngine Engine, DateTimeOffset Created)
{
    /// <summary>The scheduler of the engine.</summary>
    public Scheduler Scheduler => Engine.Scheduler;

    /// <summary>Names what an answer depends on beside its request: this build, the model's file and the widest vectors of the kernels.</summary>
    public string Fingerprint { get; } = FingerprintOf(Engine);

    /// <summary>Names an engine's model after its file unless it gets a name.</summary>
    public static ServedModel Of(ChatEngine engine, string? name)
    {
        string path = engine.Scheduler.Model.File.Path;
        return new ServedModel(name ?? PartSuffix().Replace(Path.GetFileNameWithoutExtension(path), ""), engine, File.GetLastWriteTimeUtc(path));
    }

    private static string FingerprintOf(ChatEngine engine)
    {
        string path = engine.Scheduler.Model.File.Path;
        string? build = typeof(ChatEngine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        string facts = $"{build}|{Path.GetFileName(path)}|{new FileInfo(path).Length}|{Vector512.IsHardwareAccelerated}|{Vector256.IsHardwareAccelerated}";
        return "fp_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(facts)).AsSpan(0, 5));
    }

    [GeneratedRegex("-[0-9]{5}-of-[0-9]{5}$")]
    private static partial Regex PartSuffix();
}
