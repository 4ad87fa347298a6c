using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>A format that stores every value by itself as a float of some width.</summary>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe interface IFloatFormat<TSelf> : IBlockFormat<TSelf>
    where TSelf : struct, IFloatFormat<TSelf>
{
    static int IBlockFormat<TSelf>.ValuesPerBlock => 1;

    static ActivationFormat IBlockFormat<TSelf>.Activation => ActivationFormat.F32;

    static bool IBlockFormat<TSelf>.IsFloat => true;

    /// <summary>The value stored at <paramref name="source"/> (any alignment).</summary>
    static abstract float Value(byte* source);

    /// <summary>The 4 values stored from <paramref name="source"/> on, all of them finite.</summary>
    static abstract Vector128<float> Load128(byte* source);

    /// <summary>The 8 values stored from <paramref name="source"/> on, all of them finite.</summary>
    static abstract Vector256<float> Load256(byte* source);

    /// <summary>The 16 values stored from <paramref name="source"/> on, all of them finite.</summary>
    static abstract Vector512<float> Load512(byte* source);

    static void IBlockFormat<TSelf>.Dequantize(byte* block, float* values) => *values = TSelf.Value(block);

    [SkipLocalsInit]
    static void IBlockFormat<TSelf>.LoadValues(byte* row, int blocks, float* values)
    {
        int i = 0;
        for (; Avx512F.IsSupported && i + 16 <= blocks; i += 16)
        {
            TSelf.Load512(row + (i * TSelf.BytesPerBlock)).Store(values + i);
        }

        for (; Avx2.IsSupported && i + 8 <= blocks; i += 8)
        {
            TSelf.Load256(row + (i * TSelf.BytesPerBlock)).Store(values + i);
        }

        for (; Vector128.IsHardwareAccelerated && i + 4 <= blocks; i += 4)
        {
            TSelf.Load128(row + (i * TSelf.BytesPerBlock)).Store(values + i);
        }

        for (; i < blocks; i++)
        {
            values[i] = TSelf.Value(row + (i * TSelf.BytesPerBlock));
        }
    }

    static float IBlockFormat<TSelf>.Dot(byte* row, in ActivationRow activation, int blocks)
    {
        // One long sum: in double, so that the definition loses no digits of rows of any length.
        double total = 0;
        for (int i = 0; i < blocks; i++, row += TSelf.BytesPerBlock)
        {
            total += (double)TSelf.Value(row) * activation.Values[i];
        }

        return (float)total;
    }

    [SkipLocalsInit]
    static float IBlockFormat<TSelf>.Dot128(byte* row, in ActivationRow activation, int blocks)
    {
        float* values = activation.Values;
        Vector128<float> sum0 = Vector128<float>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        int i = 0;
        for (; i + 16 <= blocks; i += 16, row += 16 * TSelf.BytesPerBlock, values += 16)
        {
            WeightPrefetch.Ahead(row, 16 * TSelf.BytesPerBlock);
            sum0 = Vector128.MultiplyAddEstimate(TSelf.Load128(row), Vector128.Load(values), sum0);
            sum1 = Vector128.MultiplyAddEstimate(TSelf.Load128(row + (4 * TSelf.BytesPerBlock)), Vector128.Load(values + 4), sum1);
            sum2 = Vector128.MultiplyAddEstimate(TSelf.Load128(row + (8 * TSelf.BytesPerBlock)), Vector128.Load(values + 8), sum2);
            sum3 = Vector128.MultiplyAddEstimate(TSelf.Load128(row + (12 * TSelf.BytesPerBlock)), Vector128.Load(values + 12), sum3);
        }

        return Vector128.Sum((sum0 + sum1) + (sum2 + sum3)) + TSelf.Dot(row, new ActivationRow(values, null, null, null), blocks - i);
    }

    [SkipLocalsInit]
    static float IBlockFormat<TSelf>.Dot256(byte* row, in ActivationRow activation, int blocks)
    {
        // Four sums side by side, as one alone would wait for each of its additions.
        float* values = activation.Values;
        Vector256<float> sum0 = Vector256<float>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        int i = 0;
        for (; i + 32 <= blocks; i += 32, row += 32 * TSelf.BytesPerBlock, values += 32)
        {
            WeightPrefetch.Ahead(row, 32 * TSelf.BytesPerBlock);
            sum0 = Vector256.MultiplyAddEstimate(TSelf.Load256(row), Vector256.Load(values), sum0);
            sum1 = Vector256.MultiplyAddEstimate(TSelf.Load256(row + (8 * TSelf.BytesPerBlock)), Vector256.Load(values + 8), sum1);
            sum2 = Vector256.MultiplyAddEstimate(TSelf.Load256(row + (16 * TSelf.BytesPerBlock)), Vector256.Load(values + 16), sum2);
            sum3 = Vector256.MultiplyAddEstimate(TSelf.Load256(row + (24 * TSelf.BytesPerBlock)), Vector256.Load(values + 24), sum3);
        }

        return Vector256.Sum((sum0 + sum1) + (sum2 + sum3)) + TSelf.Dot(row, new ActivationRow(values, null, null, null), blocks - i);
    }

    [SkipLocalsInit]
    static float IBlockFormat<TSelf>.Dot512(byte* row, in ActivationRow activation, int blocks)
    {
        float* values = activation.Values;
        Vector512<float> sum0 = Vector512<float>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        int i = 0;
        for (; i + 64 <= blocks; i += 64, row += 64 * TSelf.BytesPerBlock, values += 64)
        {
            WeightPrefetch.Ahead(row, 64 * TSelf.BytesPerBlock);
            sum0 = Avx512F.FusedMultiplyAdd(TSelf.Load512(row), Vector512.Load(values), sum0);
            sum1 = Avx512F.FusedMultiplyAdd(TSelf.Load512(row + (16 * TSelf.BytesPerBlock)), Vector512.Load(values + 16), sum1);
            sum2 = Avx512F.FusedMultiplyAdd(TSelf.Load512(row + (32 * TSelf.BytesPerBlock)), Vector512.Load(values + 32), sum2);
            sum3 = Avx512F.FusedMultiplyAdd(TSelf.Load512(row + (48 * TSelf.BytesPerBlock)), Vector512.Load(values + 48), sum3);
        }

        return Vector512.Sum((sum0 + sum1) + (sum2 + sum3)) + TSelf.Dot(row, new ActivationRow(values, null, null, null), blocks - i);
    }
}
