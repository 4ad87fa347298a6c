using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>IEEE half floats, as GGUF stores scales and F16 tensors.</summary>
internal static unsafe class Float16
{
    // A half that is extended to 32 bits with its sign and shifted left by 13 has its sign in bit 31 and its exponent
    // and fraction where a float has the lower 5 bits of its exponent and the upper 10 of its fraction.
    private const int SignBit = int.MinValue;
    private const int MagnitudeBits = 0x0fff_e000;
    private const int ExponentStep = 1 << 23;

    // The difference of the exponent biases of float (127) and half (15).
    private const int ExponentShift = 112 * ExponentStep;

    /// <summary>The half at <paramref name="source"/> (any alignment) as a float, exact for every bit pattern.</summary>
    public static float Read(byte* source) => (float)BitConverter.UInt16BitsToHalf(Unsafe.ReadUnaligned<ushort>(source));

    /// <summary>Stores a half at <paramref name="target"/> (any alignment).</summary>
    public static void Write(byte* target, Half value) => Unsafe.WriteUnaligned(target, BitConverter.HalfToUInt16Bits(value));

    /// <summary>
    /// As <see cref="Read"/> for a finite half, without a branch and without an operation on a subnormal float, which
    /// processors are slow at: a subnormal half is given an exponent (and so a leading one), which is subtracted again.
    /// An infinity or NaN, which no intact file has for a scale, comes out as a number of 65536 or more.
    /// </summary>
    /// <remarks>Source of the idea: Giesen, "Half to float done quick", 2012.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadFinite(byte* source)
    {
        int bits = Unsafe.ReadUnaligned<short>(source) << 13;
        int magnitude = bits & MagnitudeBits;
        int subnormal = (magnitude - ExponentStep) >> 31;
        float value = BitConverter.Int32BitsToSingle(magnitude + ExponentShift + (subnormal & ExponentStep))
            - BitConverter.Int32BitsToSingle(subnormal & (ExponentShift + ExponentStep));
        return BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(value) | (bits & SignBit));
    }

    /// <summary>Four finite halves, by the method of <see cref="ReadFinite"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source)
        => FromExtended(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsInt16()) << 13);

    /// <summary>Eight finite halves, by the method of <see cref="ReadFinite"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source)
        => FromExtended(Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32((short*)source), 13));

    /// <summary>Sixteen finite halves, by the method of <see cref="ReadFinite"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source)
        => FromExtended(Avx512F.ShiftLeftLogical(Avx512F.ConvertToVector512Int32(Vector256.Load((short*)source)), 13));

    /// <summary>Four finite halves that lie <paramref name="stride"/> bytes apart, by the method of <see cref="ReadFinite"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadFourOfEvery(byte* source, int stride)
        => FromExtended(Vector128.WidenLower(Vector128.CreateScalarUnsafe(FourOfEvery(source, stride)).AsInt16()) << 13);

    /// <summary>Eight finite halves that lie <paramref name="stride"/> bytes apart, by the method of <see cref="ReadFinite"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadEightOfEvery(byte* source, int stride)
    {
        Vector128<ulong> halves = Vector128.Create(FourOfEvery(source, stride), FourOfEvery(source + (4 * stride), stride));
        return FromExtended(Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32(halves.AsInt16()), 13));
    }

    /// <summary>
    /// Four pairs of finite halves that lie <paramref name="stride"/> bytes apart, by the method of <see cref="ReadFinite"/>:
    /// the first of each pair in the lower half, the second in the upper.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadPairsOfEvery(byte* source, int stride)
        => FromPairs(Vector128.Create(TwoOfEvery(source, stride), TwoOfEvery(source + (2 * stride), stride)).AsInt32());

    /// <summary>Four pairs of finite halves: the first of each pair in the lower half, the second in the upper.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> FromPairs(Vector128<int> pairs)
        => FromExtended(Avx2.ShiftRightArithmetic(Sse2.ShiftLeftLogical(pairs, 16).ToVector256Unsafe().WithUpper(pairs), 3));

    /// <summary>The finite halves in the upper halves of 32 bits, by the method of <see cref="ReadFinite"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FromUpperHalves(Vector512<int> halves) => FromExtended(Avx512F.ShiftRightArithmetic(halves, 3));

    /// <summary>Four halves side by side. Gathered in a general register: kernels have few vector instructions to spare.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong FourOfEvery(byte* source, int stride)
        => Unsafe.ReadUnaligned<ushort>(source)
            | ((uint)Unsafe.ReadUnaligned<ushort>(source + stride) << 16)
            | ((ulong)Unsafe.ReadUnaligned<ushort>(source + (2 * stride)) << 32)
            | ((ulong)Unsafe.ReadUnaligned<ushort>(source + (3 * stride)) << 48);

    /// <summary>Two pairs of halves side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong TwoOfEvery(byte* source, int stride)
        => Unsafe.ReadUnaligned<uint>(source) | ((ulong)Unsafe.ReadUnaligned<uint>(source + stride) << 32);

    /// <summary>Four finite halves that were extended to 32 bits and shifted left by 13; what lies in the lower 13 bits does not matter.</summary>
    /// <remarks>Of m/1024 * 2^-14, right where the half is subnormal, and the number that a leading one makes of it, right where not, the lesser is right.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> FromExtended(Vector128<int> bits)
    {
        Vector128<int> magnitude = bits & Vector128.Create(MagnitudeBits);
        Vector128<float> normal = (magnitude + Vector128.Create(ExponentShift)).AsSingle();
        Vector128<float> subnormal = (magnitude + Vector128.Create(ExponentShift + ExponentStep)).AsSingle() - Vector128.Create(ExponentShift + ExponentStep).AsSingle();
        return Vector128.MinNative(normal, subnormal) | (bits & Vector128.Create(SignBit)).AsSingle();
    }

    /// <inheritdoc cref="FromExtended(Vector128{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> FromExtended(Vector256<int> bits)
    {
        Vector256<int> magnitude = bits & Vector256.Create(MagnitudeBits);
        Vector256<float> normal = (magnitude + Vector256.Create(ExponentShift)).AsSingle();
        Vector256<float> subnormal = (magnitude + Vector256.Create(ExponentShift + ExponentStep)).AsSingle() - Vector256.Create(ExponentShift + ExponentStep).AsSingle();
        return Vector256.MinNative(normal, subnormal) | (bits & Vector256.Create(SignBit)).AsSingle();
    }

    /// <inheritdoc cref="FromExtended(Vector128{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> FromExtended(Vector512<int> bits)
    {
        Vector512<int> magnitude = bits & Vector512.Create(MagnitudeBits);
        Vector512<float> normal = (magnitude + Vector512.Create(ExponentShift)).AsSingle();
        Vector512<float> subnormal = (magnitude + Vector512.Create(ExponentShift + ExponentStep)).AsSingle() - Vector512.Create(ExponentShift + ExponentStep).AsSingle();
        return Vector512.MinNative(normal, subnormal) | (bits & Vector512.Create(SignBit)).AsSingle();
    }
}
