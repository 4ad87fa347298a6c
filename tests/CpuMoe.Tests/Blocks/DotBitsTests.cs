using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Tests.Blocks;

/// <summary>Run by <see cref="InstructionSetMatrixTests"/> in a child process that lacks an instruction of its parent.</summary>
public class DotBitsTests
{
    [Fact]
    public void AreThoseOfTheParent()
    {
        string? expected = Environment.GetEnvironmentVariable(DotBits.Variable);
        Assert.SkipWhen(expected is null, "No parent process that passes its results.");
        Assert.False(AvxVnni.IsSupported, "The child should lack what its parent has.");
        Assert.Equal(expected, DotBits.OfAllTypes());
    }
}
