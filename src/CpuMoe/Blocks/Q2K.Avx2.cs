using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q2K
{
    /// <inheritdoc/>
    public static int MaxCode => 3;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Codes256(byte* block, int part) => TwoBitFields.Load256(block + Codes, part);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scales256(byte* block)
        => Avx2.ConvertToVector256Int16(Vector128.Load(block) & Vector128.Create((byte)15));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Minima256(byte* block)
        => Avx2.ConvertToVector256Int16(Sse2.ShiftRightLogical(Vector128.Load(block).AsUInt16(), 4).AsByte() & Vector128.Create((byte)15));
}
