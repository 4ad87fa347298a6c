using CpuMoe.Experts;

namespace CpuMoe.Tests.Experts;

/// <summary>Sizes of memory and budgets as text.</summary>
public class MemorySizeTests
{
    [Theory]
    [InlineData("1", 1)]
    [InlineData("1000000", 1_000_000)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("512MiB", 512L << 20)]
    [InlineData("12GiB", 12L << 30)]
    [InlineData("12 GiB", 12L << 30)]
    [InlineData("12gib", 12L << 30)]
    [InlineData("1.5GB", 1_500_000_000)]
    [InlineData("0.5KiB", 512)]
    [InlineData("2TB", 2_000_000_000_000)]
    [InlineData("2TiB", 2L << 40)]
    [InlineData("64k", 65536)]
    [InlineData("3M", 3L << 20)]
    [InlineData("7G", 7L << 30)]
    [InlineData("100B", 100)]
    [InlineData("1.9999", 1)]
    public void SizesAreRead(string text, long bytes)
    {
        Assert.True(MemorySize.TryParse(text, out long read));
        Assert.Equal(bytes, read);
        Assert.Equal(bytes, MemorySize.Parse(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("0")]
    [InlineData("0.5")]
    [InlineData("-1GiB")]
    [InlineData("+1GiB")]
    [InlineData("1e9")]
    [InlineData("1,5GB")]
    [InlineData("12 GiB ")]
    [InlineData("12 Gi")]
    [InlineData("12XB")]
    [InlineData("NaN")]
    [InlineData("9223372036854775808")]
    [InlineData("9000000TiB")]
    [InlineData("99999999999999999999999999999999TiB")]
    public void AnythingElseIsNone(string text)
    {
        Assert.False(MemorySize.TryParse(text, out _));
        FormatException fault = Assert.Throws<FormatException>(() => MemorySize.Parse(text));
        Assert.Equal($"'{text}' is not a size such as 12GiB, 512MiB, 1.5GB or a number of bytes.", fault.Message);
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(10_695_475, "10.2 MiB")]
    [InlineData(150L << 30, "150 GiB")]
    [InlineData(5000L << 40, "5000 TiB")]
    public void SizesAreShown(long bytes, string text) => Assert.Equal(text, MemorySize.Display(bytes));

    [Theory]
    [InlineData(1000, "1000B")]
    [InlineData(12L << 30, "12GiB")]
    [InlineData((12L << 30) + 1, "12.1GiB")]
    [InlineData(1536, "1.5KiB")]
    public void AdviceIsRoundedUp(long bytes, string text) => Assert.Equal(text, MemorySize.RoundUp(bytes));

    [Fact]
    public void AdviceIsEnoughAndHardlyMore()
    {
        Random random = new(1);
        for (int run = 0; run < 100_000; run++)
        {
            long bytes = random.NextInt64(1, 1L << random.Next(1, 50));
            long advised = MemorySize.Parse(MemorySize.RoundUp(bytes));
            Assert.True(advised >= bytes && advised - bytes <= 1 + (bytes / 9), $"{bytes}: {MemorySize.RoundUp(bytes)}");
        }
    }

    [Fact]
    public void BudgetsAreSizesOrWords()
    {
        Assert.True(MemoryBudget.TryParse("auto", out MemoryBudget auto) && auto.IsAuto && auto == default);
        Assert.True(MemoryBudget.TryParse("unlimited", out MemoryBudget unlimited) && unlimited.IsUnlimited && unlimited == MemoryBudget.Unlimited);
        Assert.True(MemoryBudget.TryParse("12GiB", out MemoryBudget size) && size == MemoryBudget.Of(12L << 30) && !size.IsAuto && !size.IsUnlimited);
        Assert.Equal((12L << 30, long.MaxValue), (size.Resolve(), unlimited.Resolve()));
        Assert.InRange(auto.Resolve(), 1, 1L << 50);
        Assert.Equal(["auto", "unlimited", "12GiB"], new[] { auto, unlimited, size }.Select(budget => budget.ToString()));
        Assert.All((string?[])[null, "", "Auto", "0", "much", "12 GiBs"], text => Assert.False(MemoryBudget.TryParse(text, out _)));
        Assert.Throws<ArgumentOutOfRangeException>(() => MemoryBudget.Of(0));
    }
}
