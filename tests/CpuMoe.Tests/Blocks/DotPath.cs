using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Tests.Blocks;

/// <summary>The implementations of an operation on blocks.</summary>
public enum DotPath
{
    /// <summary>The definition.</summary>
    Scalar,

    /// <summary>The 128-bit vectors of NEON or SSE, or software in their place.</summary>
    Vector128,

    /// <summary>AVX2.</summary>
    Vector256,

    /// <summary>AVX-512 BW.</summary>
    Vector512,
}

/// <summary>Whether this machine, in this process, has a path.</summary>
internal static class DotPathSupport
{
    public static bool IsSupported(this DotPath path) => path switch
    {
        DotPath.Vector256 => Avx2.IsSupported,
        DotPath.Vector512 => Avx512BW.IsSupported,
        _ => true,
    };

    /// <summary>Skips the running test, saying why, when the instructions of <paramref name="path"/> are missing.</summary>
    public static void Require(this DotPath path) => Assert.SkipUnless(path.IsSupported(), $"No {path} instructions in this process.");
}
