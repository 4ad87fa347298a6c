using CpuMoe.Blocks;
using CpuMoe.Gguf;
using CpuMoe.Testing;
using FsCheck;
using FsCheck.Fluent;

namespace CpuMoe.Tests.Blocks;

/// <summary>The formats' layouts and meanings, and the switch over them.</summary>
public unsafe class BlockFormatTests
{
    public static TheoryData<GgmlType> Types => [.. TestRows.Types];

    [Fact]
    public void TheSwitchKnowsTheTypesOfTheEngineAndNoOthers()
    {
        GgmlType[] expected =
        [
            GgmlType.F32, GgmlType.F16, GgmlType.Q4_0, GgmlType.Q4_1, GgmlType.Q5_0, GgmlType.Q5_1, GgmlType.Q8_0,
            GgmlType.Q2_K, GgmlType.Q3_K, GgmlType.Q4_K, GgmlType.Q5_K, GgmlType.Q6_K, GgmlType.IQ4_NL,
            GgmlType.IQ4_XS, GgmlType.BF16, GgmlType.MXFP4, GgmlType.Q6_0,
        ];
        Assert.Equal(expected, BlockFormats.Supported);
        Assert.False(BlockFormats.IsSupported(GgmlType.IQ2_XXS));
        Assert.False(BlockFormats.IsSupported((GgmlType)9999));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void FormatHasTheTypeAndSizesItIsAskedFor(GgmlType type)
    {
        FormatUnderTest format = FormatUnderTest.Of(type);
        Assert.Equal(type, format.Type);
        Assert.Equal(type.ValuesPerBlock(), format.ValuesPerBlock);
        Assert.Equal(type.BytesPerBlock(), format.BytesPerBlock);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void DequantizeIsBitEqualToTheLoopReference(GgmlType type)
    {
        FormatUnderTest format = FormatUnderTest.Of(type);
        Random random = new(4);
        IEnumerable<byte[]> blocks = Enumerable.Range(0, 200).Select(_ => TestRows.Random(format, 1, random))
            .Concat(from code in (byte[])[0, 0x7f, 0x80, 0xff]
                    from scale in (Half[])[Half.MaxValue, Half.MinValue, Half.Epsilon, -Half.Epsilon, (Half)0f, (Half)(-0f)]
                    select TestRows.Constant(format, 1, code, scale));
        foreach (byte[] block in blocks)
        {
            using GuardedBuffer guarded = GuardedBuffer.Of<byte>(block);
            int[] expected = [.. LoopReference.Dequantize(type, block).Select(BitConverter.SingleToInt32Bits)];
            Assert.Equal(expected, format.Dequantize(guarded.Span).Select(BitConverter.SingleToInt32Bits));
        }
    }

    [Fact]
    public void EveryExponentOfMxfp4IsExact()
    {
        FormatUnderTest format = FormatUnderTest.Of(GgmlType.MXFP4);
        for (int x = 0; x < 255; x++)
        {
            byte[] block = [(byte)x, .. Enumerable.Range(0, 16).Select(i => (byte)(0x11 * i))];
            Assert.Equal(LoopReference.Dequantize(GgmlType.MXFP4, block), format.Dequantize(block));
        }
    }

    [Fact]
    public void PackedSixBitScalesAreReadBack()
    {
        Gen<int[]> sixBits = Gen.ArrayOf(Gen.Choose(0, 63), 16);
        Prop.ForAll(sixBits.ToArbitrary(), values =>
        {
            byte[] packed = new byte[12];
            for (int j = 0; j < 4; j++)
            {
                packed[j] = (byte)(values[j] | (values[4 + j] >> 4 << 6));
                packed[4 + j] = (byte)(values[8 + j] | (values[12 + j] >> 4 << 6));
                packed[8 + j] = (byte)((values[4 + j] & 15) | ((values[12 + j] & 15) << 4));
            }

            fixed (byte* p = packed)
            {
                for (int j = 0; j < 8; j++)
                {
                    if (SixBitScales.Scale(p, j) != values[j] || SixBitScales.Minimum(p, j) != values[8 + j])
                    {
                        return false;
                    }
                }
            }

            return true;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void FiniteHalvesAreExact()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            ushort half = (ushort)bits;
            float expected = (float)BitConverter.UInt16BitsToHalf(half);
            if (float.IsFinite(expected))
            {
                Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(Float16.ReadFinite((byte*)&half)));
            }
        }
    }

    [Fact]
    public void DotProductsAndQuantisersDoNotAllocate()
    {
        float[] values = new float[256];
        foreach (GgmlType type in BlockFormats.Supported)
        {
            FormatUnderTest format = FormatUnderTest.Of(type);
            using QuantizedActivations activations = QuantizedActivations.Of(format.Activation, values);
            using GuardedBuffer row = new(256 / format.ValuesPerBlock * format.BytesPerBlock);
            fixed (float* source = values)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                ActivationQuantizer.Quantize(format.Activation, source, 256, activations.Row);
                foreach (DotPath path in (ReadOnlySpan<DotPath>)[DotPath.Scalar, DotPath.Vector256, DotPath.Vector512])
                {
                    if (path.IsSupported())
                    {
                        format.Dot(path, row.Start, activations.Row, 256 / format.ValuesPerBlock);
                    }
                }

                Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
            }
        }
    }
}
