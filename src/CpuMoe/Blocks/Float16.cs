using System.Runtime.CompilerServices;

namespace CpuMoe.Blocks;

/// <summary>IEEE half floats, as GGUF stores scales and F16 tensors.</summary>
internal static unsafe class Float16
{
    /// <summary>2^112: the difference of the exponent biases of float (127) and half (15).</summary>
    public const float ExponentShift = 5.192296858534828e33f;

    /// <summary>The half at <paramref name="source"/> (any alignment) as a float, exact for every bit pattern.</summary>
    public static float Read(byte* source) => (float)BitConverter.UInt16BitsToHalf(Unsafe.ReadUnaligned<ushort>(source));

    /// <summary>
    /// As <see cref="Read"/> for a finite half, without a branch: the bits are moved into the place of a float's and a
    /// multiplication mends the exponent, also that of subnormals. Infinities and NaN come out as finite numbers.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadFinite(byte* source)
    {
        uint bits = Unsafe.ReadUnaligned<ushort>(source);
        return BitConverter.UInt32BitsToSingle(((bits & 0x7fff) << 13) | ((bits & 0x8000) << 16)) * ExponentShift;
    }
}
