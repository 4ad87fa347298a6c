using CpuMoe.Diagnostics;

namespace CpuMoe.Cli.Commands;

/// <summary>Names of the paths, and how to make the runtime use a lesser one than the machine has.</summary>
internal static class InstructionSets
{
    /// <summary>The names, best first.</summary>
    public static string[] Names { get; } = ["512", "256", "128", "scalar"];

    /// <summary>The path of a name.</summary>
    public static VectorPath PathOf(string name) => VectorPath.Vector512 - Array.IndexOf(Names, name);

    /// <summary>The name of a path.</summary>
    public static string NameOf(VectorPath path) => Names[VectorPath.Vector512 - path];

    /// <summary>The variable that, set to 0, leaves a process with <paramref name="path"/> at best; null for the best there is.</summary>
    /// <remarks>It is read when a process starts: https://learn.microsoft.com/dotnet/core/runtime-config/hardware-intrinsics.</remarks>
    public static string? SwitchTo(VectorPath path) => path switch
    {
        VectorPath.Scalar => "DOTNET_EnableHWIntrinsic",
        VectorPath.Vector128 => "DOTNET_EnableAVX2",
        VectorPath.Vector256 => "DOTNET_EnableAVX512",
        _ => null,
    };
}
