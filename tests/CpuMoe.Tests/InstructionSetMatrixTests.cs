using System.Runtime.Intrinsics.X86;
using CpuMoe.Testing;
using CpuMoe.Tests.Blocks;
using CpuMoe.Tests.Compute;
using CpuMoe.Tests.Models;
using CpuMoe.Tests.Quantization;

namespace CpuMoe.Tests;

/// <summary>
/// Runs the tests whose subjects depend on the instruction set again on lesser machines, played by child processes.
/// </summary>
public class InstructionSetMatrixTests
{
    /// <summary>Add the test classes here whose results must hold on every machine.</summary>
    private static readonly Type[] Classes =
    [
        typeof(ActivationQuantizerTests),
        typeof(AttentionTests),
        typeof(BlockFormatTests),
        typeof(DotTests),
        typeof(FloatTileProductTests),
        typeof(GoldenBlockTests),
        typeof(MatMulKernelTests),
        typeof(TileProductTests),
        typeof(DemoGoldenTests),
        typeof(KvFormatTests),
        typeof(QuantizedBytesTests),
    ];

    // Optimised from the first call: the tests call a kernel too rarely to see it in its final form, and the compiler's
    // faults are there (it once read past a row only when optimising).
    private const string Optimized = "DOTNET_TieredCompilation=0";

    [Fact]
    public void EveryInstruction() => RunChild(Classes, lesser: false, Optimized);

    [Fact]
    public void NoAvxVnni() => RunChild(Classes, lesser: false, Optimized, "DOTNET_EnableAVXVNNI=0");

    [Fact]
    public void AvxVnniChangesNoBitOfTheDotProducts()
    {
        Assert.SkipUnless(AvxVnni.IsSupported, "No AVX-VNNI instructions in this process.");
        RunChild([typeof(DotBitsTests)], lesser: false, Optimized, "DOTNET_EnableAVXVNNI=0", $"{DotBits.Variable}={DotBits.OfAllTypes()}");
    }

    /// <summary>Of all kernels only some dot products use these instructions (VBMI).</summary>
    [Fact]
    public void NoAvx512V2() => RunChild([typeof(DotTests), typeof(MatMulKernelTests)], lesser: false, Optimized, "DOTNET_EnableAVX512v2=0");

    [Fact]
    public void NoAvx512() => RunChild(Classes, lesser: true, Optimized, "DOTNET_EnableAVX512=0");

    [Fact]
    public void NoAvx512NorAvxVnni() => RunChild(Classes, lesser: true, Optimized, "DOTNET_EnableAVX512=0", "DOTNET_EnableAVXVNNI=0");

    [Fact]
    public void NoAvx2() => RunChild(Classes, lesser: true, Optimized, "DOTNET_EnableAVX512=0", "DOTNET_EnableAVX2=0");

    [Fact]
    public void OnlySse2() => RunChild(Classes, lesser: true, Optimized, "DOTNET_EnableSSE42=0");

    [Fact]
    public void NoInstructionSetsAtAll() => RunChild(Classes, lesser: true, Optimized, "DOTNET_EnableHWIntrinsic=0");

    /// <summary>Runs test classes; a lesser machine shows in tests that are skipped.</summary>
    private static void RunChild(Type[] classes, bool lesser, params string[] variables)
    {
        Assert.SkipWhen(TestChildProcess.IsChild, "This process is itself a child of the matrix.");
        TestChildResult child = TestChildProcess.Run(classes, variables);
        string what = $"{string.Join(' ', variables)}, exit code {child.ExitCode}:\n{child.Output}";
        Assert.True(child.ExitCode == 0, what);
        Assert.True(child.Succeeded > 0, $"No test ran with {what}");
        Assert.True(!lesser || child.Skipped > 0, $"No test was skipped with {what}");
    }
}
