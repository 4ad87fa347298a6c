using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>4-bit floats (E2M1) with a shared power of two per 32 values: value = 2^(x - 128) * M[q].</summary>
/// <remarks>
/// Layout (17 bytes): exponent x @0, codes 16 bytes @1 (<see cref="Nibbles"/>). The table M holds the E2M1 values
/// doubled, so that they are integers; the exponent is one lower in return. x = 255 is NaN by the standard; as in ggml
/// it is read as a number here. Sources: OCP Microscaling Formats (MX) 1.0, ggml <c>block_mxfp4</c>.
/// </remarks>
internal readonly unsafe partial struct MXFP4 : IVectorBlock32<MXFP4>
{
    private const int Codes = 1;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.MXFP4;

    /// <inheritdoc/>
    public static int BytesPerBlock => 17;

    private static ReadOnlySpan<sbyte> DoubledE2M1 => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    /// <inheritdoc/>
    public static float Scale(byte* block)
    {
        // 2^-128 and 2^-127 are subnormal floats.
        uint x = *block;
        return BitConverter.UInt32BitsToSingle(x < 2 ? 0x0020_0000u << (int)x : (x - 1) << 23);
    }

    /// <inheritdoc/>
    public static int Code(byte* block, int index) => DoubledE2M1[Nibbles.At(block + Codes, index)];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Codes128(byte* block, int part)
        => Vector128.ShuffleNative(
            Vector128.Create(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), Nibbles.Load128(block + Codes, part).AsSByte());
}
