using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>IEEE half floats, as GGUF stores scales and F16 tensors.</summary>
internal static unsafe class Float16
{
    /// <summary>2^112: the difference of the exponent biases of float (127) and half (15).</summary>
    private const float ExponentShift = 5.192296858534828e33f;

    private const int ValueBits = unchecked((int)0x8fff_e000);

    /// <summary>The half at <paramref name="source"/> (any alignment) as a float, exact for every bit pattern.</summary>
    public static float Read(byte* source) => (float)BitConverter.UInt16BitsToHalf(Unsafe.ReadUnaligned<ushort>(source));

    /// <summary>
    /// As <see cref="Read"/> for a finite half, without a branch: the bits are moved into the place of a float's and a
    /// multiplication mends the exponent, also that of subnormals. An infinity or NaN, which no intact file has for a
    /// scale, comes out as a number of 65536 or more.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadFinite(byte* source)
    {
        // Extended to 32 bits with its sign and shifted, a half has its sign in bit 31, copies of it below that fall to
        // the mask, and the other 15 bits from bit 13 on.
        int bits = Unsafe.ReadUnaligned<short>(source) << 13;
        return BitConverter.Int32BitsToSingle(bits & ValueBits) * ExponentShift;
    }

    /// <summary>Eight finite halves, by the method of <see cref="ReadFinite"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source)
    {
        Vector256<int> bits = Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32((short*)source), 13);
        return (bits & Vector256.Create(ValueBits)).AsSingle() * Vector256.Create(ExponentShift);
    }

    /// <summary>Sixteen finite halves, by the method of <see cref="ReadFinite"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source)
    {
        Vector512<int> bits = Avx512F.ShiftLeftLogical(Avx512F.ConvertToVector512Int32(Vector256.Load((short*)source)), 13);
        return (bits & Vector512.Create(ValueBits)).AsSingle() * Vector512.Create(ExponentShift);
    }

    /// <summary>Four finite halves that lie <paramref name="stride"/> bytes apart, by the method of <see cref="ReadFinite"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadEvery(byte* source, int stride)
    {
        // The upper half of a 32-bit place instead of a shift by 16; the sign is extended by a shift to the right.
        Vector128<short> halves = Sse2.Insert(Vector128<short>.Zero, Unsafe.ReadUnaligned<short>(source), 1);
        halves = Sse2.Insert(halves, Unsafe.ReadUnaligned<short>(source + stride), 3);
        halves = Sse2.Insert(halves, Unsafe.ReadUnaligned<short>(source + (2 * stride)), 5);
        halves = Sse2.Insert(halves, Unsafe.ReadUnaligned<short>(source + (3 * stride)), 7);
        Vector128<int> bits = Sse2.ShiftRightArithmetic(halves.AsInt32(), 3);
        return (bits & Vector128.Create(ValueBits)).AsSingle() * Vector128.Create(ExponentShift);
    }
}
