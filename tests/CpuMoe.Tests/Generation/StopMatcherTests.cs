using CpuMoe.Generation;

namespace CpuMoe.Tests.Generation;

public class StopMatcherTests
{
    [Fact]
    public void EverySplitGivesTheWholeStringResult()
    {
        // Two letters and short strings: overlaps, prefixes and repeats are the rule.
        Random random = new(5);
        for (int i = 0; i < 3000; i++)
        {
            string text = RandomString(random, random.Next(0, 14));
            string[] stops = [.. Enumerable.Range(0, random.Next(0, 4)).Select(_ => RandomString(random, random.Next(1, 5)))];
            (string expected, bool isMatched) = WholeString(text, stops);
            for (int split = 0; split < 6; split++)
            {
                StopMatcher matcher = new(stops);
                string released = "";
                for (int at = 0; at < text.Length;)
                {
                    int length = split == 0 ? 1 : random.Next(1, text.Length - at + 1);
                    released += matcher.Append(text.Substring(at, length));
                    Assert.StartsWith(released, expected, StringComparison.Ordinal);
                    at += length;
                }

                released += matcher.Flush();
                Assert.Equal(expected, released);
                Assert.Equal(isMatched, matcher.Match is not null);
            }
        }
    }

    [Fact]
    public void HoldsBackOnlyWhatMayBecomeAStopString()
    {
        StopMatcher matcher = new(["###", "User:"]);
        Assert.Equal("Hi ", matcher.Append("Hi #"));
        Assert.Equal("", matcher.Append("#"));
        Assert.Equal("## and ", matcher.Append(" and U"));
        Assert.Equal("", matcher.Append("ser"));
        Assert.Equal("Users ", matcher.Append("s "));
        Assert.Equal("end", matcher.Append("endUser: more"));
        Assert.True(matcher.Match is not null);
        Assert.Equal("", matcher.Append("ignored"));
        Assert.Equal("", matcher.Flush());
    }

    [Fact]
    public void ALaterCompleteMatchWaitsForAnEarlierOne()
    {
        StopMatcher matcher = new(["abcd", "bc"]);
        Assert.Equal("x", matcher.Append("xabc"));
        Assert.False(matcher.Match is not null);
        Assert.Equal("a", matcher.Append("e"));
        Assert.True(matcher.Match is not null);
    }

    [Fact]
    public void TextWithoutStopStringsPassesAsTheSameObject()
    {
        string text = new('x', 3);
        Assert.Same(text, new StopMatcher([]).Append(text));
        Assert.Same(text, new StopMatcher(["y"]).Append(text));
    }

    [Fact]
    public void AnEmptyStopStringIsRejected() =>
        Assert.Contains("empty", Assert.Throws<ArgumentException>(() => new StopMatcher(["a", ""])).Message, StringComparison.Ordinal);

    private static (string Text, bool IsMatched) WholeString(string text, string[] stops)
    {
        int first = stops.Select(stop => text.IndexOf(stop, StringComparison.Ordinal)).Where(at => at >= 0).DefaultIfEmpty(-1).Min();
        return first < 0 ? (text, false) : (text[..first], true);
    }

    private static string RandomString(Random random, int length) =>
        string.Concat(Enumerable.Range(0, length).Select(_ => random.Next(2) == 0 ? "a" : "b"));
}
