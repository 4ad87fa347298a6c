using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>8-bit signed codes, one scale per 32 values: value = d * q.</summary>
/// <remarks>
/// Layout (34 bytes): d half @0, codes 32 signed bytes @2, where -128 may occur. Source: ggml <c>block_q8_0</c>.
/// </remarks>
internal readonly unsafe partial struct Q8_0 : IVectorBlock32<Q8_0>
{
    private const int Codes = 2;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q8_0;

    /// <inheritdoc/>
    public static int BytesPerBlock => 34;

    /// <inheritdoc/>
    public static float Scale(byte* block) => Float16.ReadFinite(block);

    /// <inheritdoc/>
    public static int Code(byte* block, int index) => (sbyte)block[Codes + index];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => Vector128.Load((sbyte*)(block + Codes + (16 * part)));
}
