using CpuMoe.Models;

namespace CpuMoe.Tests.Models;

public class Glm4MoeArgumentTests
{
    private static readonly TinyGlm Shape = new();

    [Theory]
    [InlineData(-1)]
    [InlineData(45)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void TokensOutOfRangeAreRefused(int token)
    {
        using var open = new OpenModel(Shape);
        using KvCache cache = open.Model.CreateCache(8, KvType.F16);
        var fault = Assert.Throws<ArgumentException>(() => open.Model.Evaluate([1, token], cache, []));
        Assert.Equal("tokens", fault.ParamName);
        Assert.Contains(token.ToString(System.Globalization.CultureInfo.InvariantCulture), fault.Message, StringComparison.Ordinal);
        Assert.Equal(0, cache.Length);
    }

    [Fact]
    public void NoTokensAndTooManyTokensAreRefused()
    {
        using var open = new OpenModel(Shape);
        using KvCache cache = open.Model.CreateCache(3, KvType.F16);
        Assert.Equal("segment", Assert.Throws<ArgumentException>(() => open.Model.Evaluate([], cache, [])).ParamName);
        Assert.Equal("segment", Assert.Throws<ArgumentException>(() => open.Model.Evaluate([1, 2, 3, 4], cache, [])).ParamName);
        open.Model.Append(cache, 1, 2);
        Assert.Equal("segment", Assert.Throws<ArgumentException>(() => open.Model.Evaluate([1, 2], cache, [])).ParamName);
        open.Model.Append(cache, 3);
        Assert.Equal(cache.Capacity, cache.Length);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(44)]
    [InlineData(46)]
    [InlineData(90)]
    [InlineData(180)]
    public void OtherLogitLengthsAreRefused(int length)
    {
        using var open = new OpenModel(Shape);
        using KvCache cache = open.Model.CreateCache(8, KvType.F16);
        Assert.Equal("logits", Assert.Throws<ArgumentException>(() => open.Model.Evaluate([1, 2, 3], cache, new float[length])).ParamName);
        Assert.Equal(0, cache.Length);
    }

    [Fact]
    public void CachesOfOtherModelsAreRefused()
    {
        using var open = new OpenModel(Shape);
        foreach (TinyGlm other in (TinyGlm[])[Shape with { TrunkBlocks = 2 }, Shape with { KeyValueHeads = 4 }, Shape with { KeyLength = 64 }, Shape with { ValueLength = 64 }])
        {
            using var otherOpen = new OpenModel(other);
            using KvCache cache = otherOpen.Model.CreateCache(8, KvType.F16);
            Assert.Equal("segment", Assert.Throws<ArgumentException>(() => open.Model.Evaluate([1], cache, [])).ParamName);
        }

        Assert.Equal("cache", Assert.Throws<ArgumentNullException>(() => open.Model.Evaluate([1], null!, [])).ParamName);
    }

    [Fact]
    public void CachesThatCannotBeAreRefused()
    {
        using var open = new OpenModel(Shape with { KeyLength = 24, Rotary = 24 });
        Assert.Throws<ArgumentOutOfRangeException>(() => open.Model.CreateCache(0, KvType.F16));
        Assert.Throws<ArgumentOutOfRangeException>(() => open.Model.CreateCache(8, (KvType)9));
        var fault = Assert.Throws<ArgumentException>(() => open.Model.CreateCache(8, KvType.Q8_0));
        Assert.Contains("multiples of 32", fault.Message, StringComparison.Ordinal);
        using KvCache cache = open.Model.CreateCache(8, KvType.F16);
        Assert.Equal(8, cache.Capacity);
        Assert.Equal(KvType.F16, cache.Type);
        Assert.Equal(3 * 2 * (24 + 32) * 2 * 8, cache.ByteCount);
    }

    [Fact]
    public void OptionsOutOfRangeAreRefused()
    {
        using var open = new OpenModel(Shape);
        foreach (ModelOptions options in (ModelOptions[])[new() { Threads = -1 }, new() { Threads = 1025 }, new() { BatchSize = 0 }, new() { BatchSize = 4097 }])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => open.LoadAgain(options));
        }

        Assert.Throws<ArgumentNullException>(() => Model.Load(null!));
        using Model byDefault = open.LoadAgain(new ModelOptions());
        Assert.InRange(byDefault.Threads, 1, Environment.ProcessorCount);
    }

    [Fact]
    public void UseAfterDisposeIsRefused()
    {
        using var open = new OpenModel(Shape);
        Model model = open.LoadAgain(new ModelOptions { Threads = 2 });
        using KvCache cache = model.CreateCache(8, KvType.F16);
        model.Append(cache, 1);
        model.Dispose();
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Evaluate([1], cache, []));
        Assert.Throws<ObjectDisposedException>(() => model.CreateCache(8, KvType.F16));

        KvCache disposed = open.Model.CreateCache(8, KvType.F16);
        disposed.Dispose();
        disposed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => open.Model.Evaluate([1], disposed, []));

        // The model outlives the faulted pass.
        Assert.Equal(45, open.Model.AllLogits([1]).Length);
    }

    [Fact]
    public void FactsOfTheFileAreShown()
    {
        using var open = new OpenModel(Shape);
        Assert.Equal("glm4moe", open.Model.Architecture);
        Assert.Equal(512, open.Model.ContextLength);
        Assert.Equal(2, open.Model.Threads);
        Assert.Empty(open.Model.Warnings);
    }
}
