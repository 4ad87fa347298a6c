using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>16-bit IEEE floats.</summary>
internal readonly unsafe partial struct F16 : IFloatFormat<F16>
{
    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.F16;

    /// <inheritdoc/>
    public static int BytesPerBlock => 2;

    /// <inheritdoc/>
    public static float Value(byte* source) => Float16.Read(source);
}
