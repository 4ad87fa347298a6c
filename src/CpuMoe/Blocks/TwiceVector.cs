using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>The same 32 bytes in both halves of a 512-bit vector.</summary>
/// <remarks>
/// Not by <c>Avx512F.BroadcastVector256ToVector512</c>: the compiler of .NET 10.0 encodes its address wrongly (a
/// displacement in units of 16 bytes, where the processor counts in 32), so that it reads from elsewhere. Nor by
/// <c>Vector512.Create</c> of the halves, which goes through the stack.
/// </remarks>
internal static unsafe class TwiceVector
{
    /// <summary>Loads the 32 bytes at <paramref name="source"/> (any alignment).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load(byte* source)
    {
        Vector512<ulong> half = Vector256.Load((ulong*)source).ToVector512Unsafe();
        return Avx512F.Shuffle4x128(half, half, 0b01_00_01_00).AsByte();
    }
}
