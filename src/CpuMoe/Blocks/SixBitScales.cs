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

    /// <summary>The 8 scales, each twice: one for every 16 values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scales256(byte* packed)
    {
        uint scales = Unsafe.ReadUnaligned<uint>(packed);
        uint lower = Unsafe.ReadUnaligned<uint>(packed + 8);
        return Twice(scales & 0x3f3f3f3f, (lower & 0x0f0f0f0f) | ((scales >> 2) & 0x30303030));
    }

    /// <summary>The 8 minima, each twice: one for every 16 values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Minima256(byte* packed)
    {
        uint minima = Unsafe.ReadUnaligned<uint>(packed + 4);
        uint lower = Unsafe.ReadUnaligned<uint>(packed + 8);
        return Twice(minima & 0x3f3f3f3f, ((lower >> 4) & 0x0f0f0f0f) | ((minima >> 2) & 0x30303030));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Twice(uint first, uint second)
    {
        Vector128<byte> bytes = Vector128.CreateScalarUnsafe(first | ((ulong)second << 32)).AsByte();
        return Avx2.ConvertToVector256Int16(Sse2.UnpackLow(bytes, bytes));
    }
}
