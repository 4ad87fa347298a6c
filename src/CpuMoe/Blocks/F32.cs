using System.Runtime.CompilerServices;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>32-bit IEEE floats.</summary>
internal readonly unsafe partial struct F32 : IFloatFormat<F32>
{
    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.F32;

    /// <inheritdoc/>
    public static int BytesPerBlock => 4;

    /// <inheritdoc/>
    public static float Value(byte* source) => Unsafe.ReadUnaligned<float>(source);
}
