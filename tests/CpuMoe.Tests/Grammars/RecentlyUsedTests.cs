using CpuMoe.Grammars.Masks;

namespace CpuMoe.Tests.Grammars;

public class RecentlyUsedTests
{
    [Fact]
    public void WhatWasNotUsedForLongestMakesRoom()
    {
        string[] keys = ["a", "b", "c", "d"];
        RecentlyUsed<string, int> cache = new(capacity: 3);
        cache.Add(keys[0], 0);
        cache.Add(keys[1], 1);
        cache.Add(keys[2], 2);
        Assert.True(cache.TryGet(keys[0], out int first) && first == 0);
        cache.Add(keys[3], 3);
        Assert.Equal([true, false, true, true], keys.Select(key => cache.TryGet(key, out _)));
        cache.Clear();
        Assert.All(keys, key => Assert.False(cache.TryGet(key, out _)));
    }
}
