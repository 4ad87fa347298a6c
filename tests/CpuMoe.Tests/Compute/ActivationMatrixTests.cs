using CpuMoe.Blocks;
using CpuMoe.Compute;

namespace CpuMoe.Tests.Compute;

public unsafe class ActivationMatrixTests
{
    private const int Columns = 512;

    [Fact]
    public void EachFormHasTheRowsOfTheQuantiser()
    {
        using var pool = new WorkerPool(3);
        foreach (int rows in (int[])[1, 3, 4, 5, 9])
        {
            using var x = new ActivationMatrix(9, Columns);
            Fill(x, rows, seed: rows);
            foreach ((ActivationFormat format, int perScale) in ((ActivationFormat, int)[])[(ActivationFormat.Q8Per32, 32), (ActivationFormat.Q8Per256, 256)])
            {
                x.Prepare(format, pool);
                for (int row = 0; row < rows; row++)
                {
                    AssertStandsFor(x, row, format, perScale);

                    // The same rows as seen from a later first row.
                    Assert.True(x.View(format).From(row)[0].Codes == x.View(format)[row].Codes);
                    Assert.True(x.View(format).From(row)[0].Scales == x.View(format)[row].Scales);
                    Assert.True(x.View(format).From(row)[0].Sums == x.View(format)[row].Sums);
                }
            }

            Assert.True(x.View(ActivationFormat.F32)[rows - 1].Values == x.Row(rows - 1));
        }
    }

    [Fact]
    public void BeginMakesFormsAnew()
    {
        using var pool = new WorkerPool(2);
        using var x = new ActivationMatrix(2, Columns);
        Fill(x, 2, seed: 1);
        x.Prepare(ActivationFormat.Q8Per32, pool);
        float before = x.View(ActivationFormat.Q8Per32)[0].Scales[0];

        // Without Begin the form is taken to hold.
        x.Row(0)[0] = 1000;
        x.Prepare(ActivationFormat.Q8Per32, pool);
        Assert.Equal(before, x.View(ActivationFormat.Q8Per32)[0].Scales[0]);

        Fill(x, 1, seed: 2);
        x.Prepare(ActivationFormat.Q8Per32, pool);
        AssertStandsFor(x, 0, ActivationFormat.Q8Per32, 32);
        Assert.Equal(1, x.Rows);
    }

    [Fact]
    public void MoreRowsThanPlacesAreRefused()
    {
        using var x = new ActivationMatrix(2, Columns);
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Begin(3, 0));
    }

    private static void Fill(ActivationMatrix x, int rows, int seed)
    {
        x.Begin(rows, 0);
        RandomBlocks.Floats(new Random(seed), rows * Columns, 5).CopyTo(new Span<float>(x.Values, rows * Columns));
    }

    private static void AssertStandsFor(ActivationMatrix x, int row, ActivationFormat format, int perScale)
    {
        ActivationRow form = x.View(format)[row];
        for (int i = 0; i < Columns; i++)
        {
            float scale = form.Scales[i / perScale];
            Assert.InRange(MathF.Abs((scale * form.Codes[i]) - x.Row(row)[i]), 0, scale * 0.501f);
        }

        for (int i = 0; i < Columns / 16; i++)
        {
            Assert.Equal(new ReadOnlySpan<sbyte>(form.Codes + (16 * i), 16).ToArray().Sum(code => code), form.Sums[i]);
        }
    }
}
