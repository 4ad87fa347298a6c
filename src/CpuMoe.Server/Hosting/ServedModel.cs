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

    /// <summary>Names an engine's model after its file unless it gets a name.</summary>
    public static ServedModel Of(ChatEngine engine, string? name)
    {
        string path = engine.Scheduler.Model.File.Path;
        return new ServedModel(name ?? PartSuffix().Replace(Path.GetFileNameWithoutExtension(path), ""), engine, File.GetLastWriteTimeUtc(path));
    }

    [GeneratedRegex("-[0-9]{5}-of-[0-9]{5}$")]
    private static partial Regex PartSuffix();
}
