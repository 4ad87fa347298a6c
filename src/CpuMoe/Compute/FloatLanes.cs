using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Compute;

/// <summary>A vector register of floats, so that a kernel is written once for every width.</summary>
/// <typeparam name="TSelf">The register itself.</typeparam>
internal unsafe interface IFloatLanes<TSelf>
    where TSelf : struct, IFloatLanes<TSelf>
{
    /// <summary>Floats per register: 16, 8 or 4.</summary>
    static abstract int Count { get; }

    /// <summary>Asks for a cache line; any address will do.</summary>
    static abstract void Prefetch(byte* address);

    static abstract TSelf Load(float* source);

    static abstract void Store(TSelf value, float* destination);

    static abstract TSelf Broadcast(float value);

    static abstract TSelf operator +(TSelf left, TSelf right);

    static abstract TSelf operator -(TSelf left, TSelf right);

    static abstract TSelf operator *(TSelf left, TSelf right);

    /// <summary>a * b + c, rounded once where the processor can.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>The larger of each pair; which of them when one is NaN is the processor's choice.</summary>
    static abstract TSelf Max(TSelf left, TSelf right);

    /// <summary>The bits of each float shifted left.</summary>
    static abstract TSelf ShiftLeft(TSelf value, int count);

    /// <summary>The largest of the floats.</summary>
    static abstract float Largest(TSelf value);

    /// <summary>The sum of the floats.</summary>
    static abstract float Sum(TSelf value);

    /// <summary>Turns 4 columns of <see cref="Count"/> rows into 4 rows.</summary>
    /// <param name="source">The first row's 4 floats.</param>
    /// <param name="sourceStride">Floats from row to row.</param>
    /// <param name="destination">Row c becomes column c of the source.</param>
    /// <param name="destinationStride">Floats from row to row.</param>
    static abstract void TransposeColumns(float* source, int sourceStride, float* destination, int destinationStride);
}

/// <summary>512 bits (AVX-512).</summary>
internal readonly unsafe struct FloatLanes512(Vector512<float> value) : IFloatLanes<FloatLanes512>
{
    private readonly Vector512<float> _value = value;

    public static int Count => 16;

    public static bool IsSupported => Avx512F.IsSupported;

    public static void Prefetch(byte* address) => Sse.Prefetch1(address);

    public static FloatLanes512 Load(float* source) => new(Vector512.Load(source));

    public static void Store(FloatLanes512 value, float* destination) => value._value.Store(destination);

    public static FloatLanes512 Broadcast(float value) => new(Vector512.Create(value));

    public static FloatLanes512 operator +(FloatLanes512 left, FloatLanes512 right) => new(left._value + right._value);

    public static FloatLanes512 operator -(FloatLanes512 left, FloatLanes512 right) => new(left._value - right._value);

    public static FloatLanes512 operator *(FloatLanes512 left, FloatLanes512 right) => new(left._value * right._value);

    public static FloatLanes512 MultiplyAdd(FloatLanes512 a, FloatLanes512 b, FloatLanes512 c) => new(Vector512.MultiplyAddEstimate(a._value, b._value, c._value));

    public static FloatLanes512 Max(FloatLanes512 left, FloatLanes512 right) => new(Vector512.MaxNative(left._value, right._value));

    public static FloatLanes512 ShiftLeft(FloatLanes512 value, int count) => new((value._value.AsInt32() << count).AsSingle());

    public static float Largest(FloatLanes512 value) => FloatLanes256.Largest(new(Vector256.MaxNative(value._value.GetLower(), value._value.GetUpper())));

    public static float Sum(FloatLanes512 value) => Vector512.Sum(value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransposeColumns(float* source, int sourceStride, float* destination, int destinationStride)
    {
        // Every 128-bit quarter holds 4 of the 16 rows and is transposed by itself.
        Vector512<float> a = Rows(source, 4 * sourceStride);
        Vector512<float> b = Rows(source + sourceStride, 4 * sourceStride);
        Vector512<float> c = Rows(source + (2 * sourceStride), 4 * sourceStride);
        Vector512<float> d = Rows(source + (3 * sourceStride), 4 * sourceStride);
        Vector512<double> ab = Avx512F.UnpackLow(a, b).AsDouble();
        Vector512<double> cd = Avx512F.UnpackLow(c, d).AsDouble();
        Avx512F.UnpackLow(ab, cd).AsSingle().Store(destination);
        Avx512F.UnpackHigh(ab, cd).AsSingle().Store(destination + destinationStride);
        ab = Avx512F.UnpackHigh(a, b).AsDouble();
        cd = Avx512F.UnpackHigh(c, d).AsDouble();
        Avx512F.UnpackLow(ab, cd).AsSingle().Store(destination + (2 * destinationStride));
        Avx512F.UnpackHigh(ab, cd).AsSingle().Store(destination + (3 * destinationStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Rows(float* source, int stride)
    {
        Vector512<float> rows = Vector128.Load(source).ToVector256Unsafe().ToVector512Unsafe();
        rows = Avx512F.InsertVector128(rows, Vector128.Load(source + stride), 1);
        rows = Avx512F.InsertVector128(rows, Vector128.Load(source + (2 * stride)), 2);
        return Avx512F.InsertVector128(rows, Vector128.Load(source + (3 * stride)), 3);
    }
}

/// <summary>256 bits (AVX2).</summary>
internal readonly unsafe struct FloatLanes256(Vector256<float> value) : IFloatLanes<FloatLanes256>
{
    private readonly Vector256<float> _value = value;

    public static int Count => 8;

    public static bool IsSupported => Avx2.IsSupported;

    public static void Prefetch(byte* address) => Sse.Prefetch1(address);

    public static FloatLanes256 Load(float* source) => new(Vector256.Load(source));

    public static void Store(FloatLanes256 value, float* destination) => value._value.Store(destination);

    public static FloatLanes256 Broadcast(float value) => new(Vector256.Create(value));

    public static FloatLanes256 operator +(FloatLanes256 left, FloatLanes256 right) => new(left._value + right._value);

    public static FloatLanes256 operator -(FloatLanes256 left, FloatLanes256 right) => new(left._value - right._value);

    public static FloatLanes256 operator *(FloatLanes256 left, FloatLanes256 right) => new(left._value * right._value);

    public static FloatLanes256 MultiplyAdd(FloatLanes256 a, FloatLanes256 b, FloatLanes256 c) => new(Vector256.MultiplyAddEstimate(a._value, b._value, c._value));

    public static FloatLanes256 Max(FloatLanes256 left, FloatLanes256 right) => new(Vector256.MaxNative(left._value, right._value));

    public static FloatLanes256 ShiftLeft(FloatLanes256 value, int count) => new((value._value.AsInt32() << count).AsSingle());

    public static float Largest(FloatLanes256 value) => FloatLanes128.Largest(new(Vector128.MaxNative(value._value.GetLower(), value._value.GetUpper())));

    public static float Sum(FloatLanes256 value) => Vector256.Sum(value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransposeColumns(float* source, int sourceStride, float* destination, int destinationStride)
    {
        Vector256<float> a = Rows(source, 4 * sourceStride);
        Vector256<float> b = Rows(source + sourceStride, 4 * sourceStride);
        Vector256<float> c = Rows(source + (2 * sourceStride), 4 * sourceStride);
        Vector256<float> d = Rows(source + (3 * sourceStride), 4 * sourceStride);
        Vector256<double> ab = Avx.UnpackLow(a, b).AsDouble();
        Vector256<double> cd = Avx.UnpackLow(c, d).AsDouble();
        Avx.UnpackLow(ab, cd).AsSingle().Store(destination);
        Avx.UnpackHigh(ab, cd).AsSingle().Store(destination + destinationStride);
        ab = Avx.UnpackHigh(a, b).AsDouble();
        cd = Avx.UnpackHigh(c, d).AsDouble();
        Avx.UnpackLow(ab, cd).AsSingle().Store(destination + (2 * destinationStride));
        Avx.UnpackHigh(ab, cd).AsSingle().Store(destination + (3 * destinationStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Rows(float* source, int stride) =>
        Avx.InsertVector128(Vector128.Load(source).ToVector256Unsafe(), Vector128.Load(source + stride), 1);
}

/// <summary>128 bits, on every machine.</summary>
internal readonly unsafe struct FloatLanes128(Vector128<float> value) : IFloatLanes<FloatLanes128>
{
    private readonly Vector128<float> _value = value;

    public static int Count => 4;

    public static void Prefetch(byte* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(address);
        }
    }

    public static FloatLanes128 Load(float* source) => new(Vector128.Load(source));

    public static void Store(FloatLanes128 value, float* destination) => value._value.Store(destination);

    public static FloatLanes128 Broadcast(float value) => new(Vector128.Create(value));

    public static FloatLanes128 operator +(FloatLanes128 left, FloatLanes128 right) => new(left._value + right._value);

    public static FloatLanes128 operator -(FloatLanes128 left, FloatLanes128 right) => new(left._value - right._value);

    public static FloatLanes128 operator *(FloatLanes128 left, FloatLanes128 right) => new(left._value * right._value);

    public static FloatLanes128 MultiplyAdd(FloatLanes128 a, FloatLanes128 b, FloatLanes128 c) => new(Vector128.MultiplyAddEstimate(a._value, b._value, c._value));

    public static FloatLanes128 Max(FloatLanes128 left, FloatLanes128 right) => new(Vector128.MaxNative(left._value, right._value));

    public static FloatLanes128 ShiftLeft(FloatLanes128 value, int count) => new((value._value.AsInt32() << count).AsSingle());

    public static float Largest(FloatLanes128 value)
    {
        Vector128<float> pairs = Vector128.MaxNative(value._value, Vector128.Shuffle(value._value, Vector128.Create(2, 3, 0, 1)));
        return float.MaxNative(pairs[0], pairs[1]);
    }

    public static float Sum(FloatLanes128 value) => Vector128.Sum(value._value);

    public static void TransposeColumns(float* source, int sourceStride, float* destination, int destinationStride)
    {
        for (int i = 0; i < 16; i++)
        {
            destination[(i / 4 * destinationStride) + (i % 4)] = source[(i % 4 * sourceStride) + (i / 4)];
        }
    }
}
