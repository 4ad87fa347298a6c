using CpuMoe.Experts;
using CpuMoe.Models;
using CpuMoe.Tests.Gguf;
using CpuMoe.Tests.Models;

namespace CpuMoe.Tests.Experts;

public sealed class ExpertHistoryTests : IDisposable
{
    private readonly OpenModel _open = new(new TinyGlm());
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _open.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void WhatWasSavedIsLoaded()
    {
        int[] experts = [7, 0, 15, 3];
        Assert.Empty(History().Load());
        History().Save(experts);
        Assert.Equal(experts, History().Load());
        History().Save([]);
        Assert.Empty(History().Load());
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("cpumoe experts 1: 17 of 1 bytes\n1\n2")]
    [InlineData("{0}\n1\n16")]
    [InlineData("{0}\n1\n-2")]
    [InlineData("{0}\n1\n1")]
    [InlineData("{0}\n1\nx")]
    [InlineData("{0}\n99999999999999")]
    public void AFileThatDoesNotFitIsIgnored(string content)
    {
        History().Save([1, 2]);
        string path = Assert.Single(Directory.GetFiles(_folder.PathOf("cache")));
        string header = File.ReadLines(path).First();
        File.WriteAllText(path, content.Replace("{0}", header, StringComparison.Ordinal));
        Assert.Empty(History().Load());
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsNoFault()
    {
        File.WriteAllText(_folder.PathOf("cache"), "a file where the folder should be");
        History().Save([1]);
        Assert.Empty(History().Load());
    }

    [Fact]
    public void AModelRemembersAcrossLoads()
    {
        var options = new ModelOptions { Threads = 1, ExpertCacheBytes = 1 << 20, WarmStartFolder = _folder.PathOf("cache") };
        using (Model first = _open.LoadAgain(options))
        {
            first.AllLogits(ModelExtensions.RandomTokens(3));
        }

        using Model second = _open.LoadAgain(options);
        Assert.True(SpinWait.SpinUntil(() => second.ExpertStatistics!.Reads.Reads > 0, TimeSpan.FromSeconds(10)));
        Assert.Equal(0, second.ExpertStatistics!.HitRate);
    }

    private ExpertHistory History() => new(_folder.PathOf("cache"), _open.File, experts: 16);
}
