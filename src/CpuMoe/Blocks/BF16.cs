using System.Runtime.CompilerServices;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>16-bit brain floats: the upper half of a 32-bit float.</summary>
internal readonly unsafe partial struct BF16 : IFloatFormat<BF16>
{
    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.BF16;

    /// <inheritdoc/>
    public static int BytesPerBlock => 2;

    /// <inheritdoc/>
    public static float Value(byte* source) => BitConverter.UInt32BitsToSingle((uint)Unsafe.ReadUnaligned<ushort>(source) << 16);
}
