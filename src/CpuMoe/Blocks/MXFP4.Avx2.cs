using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct MXFP4
{
    /// <inheritdoc/>
    public static int MaxCode => 24;

    /// <inheritdoc/>
    public static bool HasSignedCodes => true;

    /// <inheritdoc/>
    public static int CodeBias => 12;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes256(byte* block)
    {
        // In every 128-bit half the whole table.
        Vector256<sbyte> table = Vector256.Create(
            0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
            0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
        return Avx2.Shuffle(table, Nibbles.Load256(block + Codes).AsSByte());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> BiasedCodes256(byte* block) => Codes256(block).AsByte() + Vector256.Create((byte)CodeBias);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scales256(byte* blocks)
        => RowScales128(blocks, BytesPerBlock).ToVector256Unsafe().WithUpper(RowScales128(blocks + (4 * BytesPerBlock), BytesPerBlock));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> RowScales128(byte* block, long rowBytes) => Vector128.Create(
        Scale(block), Scale(block + rowBytes), Scale(block + (2 * rowBytes)), Scale(block + (3 * rowBytes)));
}
