using CpuMoe.Compute;

namespace CpuMoe.Tests.Compute;

public unsafe class KvFormatTests
{
    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(128)]
    public void F32AndF16KeepWhatTheyCanHold(int length)
    {
        float[] values = RandomBlocks.Floats(new Random(length), length, 100);
        Assert.Equal(values, RoundTrip(KvFormat.F32, values));
        Assert.Equal(values.Select(v => (float)(Half)v), RoundTrip(KvFormat.F16, values));
        Assert.Equal(length * 4, KvFormat.F32.VectorBytes(length));
        Assert.Equal(length * 2, KvFormat.F16.VectorBytes(length));
        Assert.Equal(length / 32 * 34, KvFormat.Q8.VectorBytes(length));
    }

    [Fact]
    public void F16ReadsEveryFiniteNumber()
    {
        Half[] halves = [.. Enumerable.Range(0, 65536).Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits)).Where(Half.IsFinite)];

        // One short of a whole number of registers.
        float[] values = new float[halves.Length - 1];
        fixed (Half* x = halves)
        fixed (float* y = values)
        {
            KvFormat.F16.Load((byte*)x, y, values.Length);
        }

        Assert.Equal(halves.Take(values.Length).Select(h => (float)h), values);
    }

    [Fact]
    public void Q8ReadsEveryCode()
    {
        byte[] stored = new byte[8 * 34];
        for (int i = 0; i < 256; i++)
        {
            BitConverter.TryWriteBytes(stored.AsSpan(i / 32 * 34), (Half)(0.5f + (i / 32)));
            stored[(i / 32 * 34) + 2 + (i % 32)] = (byte)i;
        }

        float[] values = new float[256];
        fixed (byte* x = stored)
        fixed (float* y = values)
        {
            KvFormat.Q8.Load(x, y, 256);
        }

        Assert.Equal(Enumerable.Range(0, 256).Select(i => (sbyte)i * (0.5f + (i / 32))), values);
    }

    [Theory]
    [InlineData(1e-3f)]
    [InlineData(1f)]
    [InlineData(1000f)]
    public void Q8IsOffByHalfAStepAtMost(float magnitude)
    {
        float[] values = RandomBlocks.Floats(new Random(4), 128, magnitude);
        float[] back = RoundTrip(KvFormat.Q8, values);
        for (int i = 0; i < values.Length; i++)
        {
            float largest = values.Skip(i / 32 * 32).Take(32).Max(MathF.Abs);

            // Half a step, and what rounding the scale to 16 bits adds, where the smallest distance is 2^-24.
            float step = largest / 127;
            Assert.InRange(MathF.Abs(back[i] - values[i]), 0, (0.501f * step) + (127 * MathF.Max(step / 2048, MathF.Pow(2, -25))));
        }
    }

    [Fact]
    public void Q8KeepsZeros() => Assert.Equal(new float[64], RoundTrip(KvFormat.Q8, new float[64]));

    [Fact]
    public void SeveralVectorsAreReadAtOnce()
    {
        foreach (KvFormat format in (KvFormat[])[KvFormat.F32, KvFormat.F16, KvFormat.Q8])
        {
            float[] first = RandomBlocks.Floats(new Random(5), 64);
            float[] second = RandomBlocks.Floats(new Random(6), 64);
            using var stored = new NativeBuffer<byte>(2 * format.VectorBytes(64));
            float[] both = new float[128];
            fixed (float* a = first, b = second, y = both)
            {
                format.Store(a, stored.Pointer, 64);
                format.Store(b, stored.Pointer + format.VectorBytes(64), 64);
                format.Load(stored.Pointer, y, 128);
            }

            Assert.Equal([.. RoundTrip(format, first), .. RoundTrip(format, second)], both);
        }
    }

    [Fact]
    public void OnlyQ8AsksForWholeBlocks() => Assert.Equal([1, 1, 32], [KvFormat.F32.Granularity, KvFormat.F16.Granularity, KvFormat.Q8.Granularity]);

    private static float[] RoundTrip(KvFormat format, float[] values)
    {
        using var stored = new NativeBuffer<byte>(format.VectorBytes(values.Length));
        float[] back = new float[values.Length];
        fixed (float* x = values, y = back)
        {
            format.Store(x, stored.Pointer, values.Length);
            format.Load(stored.Pointer, y, values.Length);
        }

        return back;
    }
}
