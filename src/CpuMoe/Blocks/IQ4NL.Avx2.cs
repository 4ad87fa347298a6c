using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct IQ4NL
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes256(byte* block)
        => IQ4Table.Lookup(Nibbles.Load256(block + Codes));
}
