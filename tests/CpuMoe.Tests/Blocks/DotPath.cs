using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Tests.Blocks;

/// <summary>The implementations of an operation on blocks.</summary>
public enum DotPath
{
    /// <summary>The definition.</summary>
    Scalar,

    /// <summary>AVX2.</summary>
    Vector256,

    /// <summary>AVX-512 BW.</summary>
    Vector512,
}

/// <summary>Whether this machine, in this process, has a path.</summary>
internal static class DotPathSupport
{
    /// <summary>Skips the running test, saying why, when the instructions of <paramref name="path"/> are missing.</summary>
    public static void Require(this DotPath path)
    {
        Assert.SkipWhen(path == DotPath.Vector256 && !Avx2.IsSupported, "No AVX2 in this process.");
        Assert.SkipWhen(path == DotPath.Vector512 && !Avx512BW.IsSupported, "No AVX-512 BW in this process.");
    }
}
