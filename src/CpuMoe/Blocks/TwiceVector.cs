using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>The same 32 bytes in both halves of a 512-bit vector.</summary>
/// <remarks>
/// By the instruction that broadcasts eight 32-bit numbers (.NET supports AVX-512 F, BW, DQ and VL only together), not by
/// the one for four 64-bit numbers in <c>Avx512F</c>: the compiler of .NET 10.0 encodes the address of that one wrongly
/// (a displacement in units of 16 bytes, where the processor counts in 32), so that it reads from elsewhere. Nor by
/// <c>Vector512.Create</c> of two halves, which goes through the stack.
/// </remarks>
internal static unsafe class TwiceVector
{
    /// <summary>Loads the 32 bytes at <paramref name="source"/> (any alignment).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load(byte* source) => Avx512DQ.BroadcastVector256ToVector512((int*)source).AsByte();
}
