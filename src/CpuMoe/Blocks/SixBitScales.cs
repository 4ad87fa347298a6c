using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>
/// The 12 bytes in which Q4_K and Q5_K keep eight 6-bit scales and eight 6-bit minima: bytes 0-3 hold scales 0-3 and
/// bytes 4-7 minima 0-3 in their low 6 bits; bytes 8-11 hold the low 4 bits of scales 4-7 (low half) and minima 4-7
/// (high half), whose upper 2 bits are the top bits of bytes 0-3 and 4-7.
/// </summary>
/// <remarks>Source: ggml <c>get_scale_min_k4</c>.</remarks>
internal static unsafe class SixBitScales
{
    /// <summary>Scale <paramref name="group"/> (0..7), 0..63.</summary>
    public static int Scale(byte* packed, int group) => group < 4
        ? packed[group] & 63
        : (packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4);

    /// <summary>Minimum <paramref name="group"/> (0..7), 0..63.</summary>
    public static int Minimum(byte* packed, int group) => group < 4
        ? packed[group + 4] & 63
        : (packed[group + 4] >> 4) | (packed[group] >> 6 << 4);

    /// <summary>Sets scale <paramref name="group"/> (0..7) where it is 0.</summary>
    public static void SetScale(byte* packed, int group, int scale)
    {
        packed[group < 4 ? group : group + 4] |= (byte)(group < 4 ? scale : scale & 15);
        packed[group % 4] |= (byte)(group < 4 ? 0 : scale >> 4 << 6);
    }

    /// <summary>Sets minimum <paramref name="group"/> (0..7) where it is 0.</summary>
    public static void SetMinimum(byte* packed, int group, int minimum)
    {
        packed[group + 4] |= (byte)(group < 4 ? minimum : (minimum & 15) << 4);
        packed[4 + (group % 4)] |= (byte)(group < 4 ? 0 : minimum >> 4 << 6);
    }

    /// <summary>The 8 scales, each twice: one for every 16 values. Reads 16 bytes; the codes follow the 12.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scales256(byte* packed)
    {
        Vector128<byte> both = ScalesThenMinima(packed);
        return Avx2.ConvertToVector256Int16(Sse2.UnpackLow(both, both));
    }

    /// <summary>The 8 minima, each twice: one for every 16 values. Reads 16 bytes; the codes follow the 12.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Minima256(byte* packed)
    {
        Vector128<byte> both = ScalesThenMinima(packed);
        return Avx2.ConvertToVector256Int16(Sse2.UnpackHigh(both, both));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> ScalesThenMinima(byte* packed)
    {
        // In fours: scales 0-3 and 4-7, minima 0-3 and 4-7.
        Vector128<uint> words = Vector128.Load((uint*)packed);
        Vector128<uint> lower = Avx2.ShiftRightLogicalVariable(Sse2.Shuffle(words, 0b10_01_10_00), Vector128.Create(0u, 0, 0, 4));
        Vector128<uint> upper = Sse2.ShiftRightLogical(Sse2.Shuffle(words, 0b01_01_00_00), 2);
        return ((lower & Vector128.Create(0x3f3f3f3fu, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f))
            | (upper & Vector128.Create(0u, 0x30303030, 0, 0x30303030))).AsByte();
    }

    /// <summary>
    /// Of four blocks that begin with two halves and the 12 bytes, their first 16 bytes one after the other: in each quarter
    /// the 8 scales, then the 8 minima.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ScalesThenMinima(Vector512<int> headers)
    {
        Vector512<uint> words = headers.AsUInt32();
        Vector512<uint> lower = Avx512F.ShiftRightLogicalVariable(Avx512F.Shuffle(words, 0b11_10_11_01), Vector512.Create(0u, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4));
        Vector512<uint> upper = Avx512F.ShiftRightLogical(Avx512F.Shuffle(words, 0b10_10_01_01), 2);
        return ((lower & Vector512.Create(0x0f0f0f0f_3f3f3f3ful).AsUInt32())
            | (upper & Vector512.Create(0x30303030_00000000ul).AsUInt32())).AsByte();
    }

    /// <summary>Of the same: the float scales of the four blocks, then those of their minima.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> BlockScales(Vector512<int> headers)
        => Float16.FromPairs(Avx512F.PermuteVar16x32(headers, Vector512.Create(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)).GetLower().GetLower());
}
