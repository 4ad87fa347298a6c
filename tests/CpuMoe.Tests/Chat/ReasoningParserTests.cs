using CpuMoe.Chat;

namespace CpuMoe.Tests.Chat;

public class ReasoningParserTests
{
    [Theory]
    [InlineData("", "\n<think>\nfirst, then\n</think>\n\nAnswer \n", "first, then", "Answer \n")]
    [InlineData("", "Just an answer", "", "Just an answer")]
    [InlineData("", "<thinker> is a word", "", "<thinker> is a word")]
    [InlineData("", "<thi", "", "<thi")]
    [InlineData("", " \n", "", "")]
    [InlineData("", "<think></think>x", "", "x")]
    [InlineData("", "<think>cut off </thi", "cut off </thi", "")]
    [InlineData("", "<think>cut off\n", "cut off\n", "")]
    [InlineData("", "<think>a < b </thin > c</think>d", "a < b </thin > c", "d")]
    [InlineData("", "<think>a</think>b<think>c</think>", "a", "b<think>c</think>")]
    [InlineData("", "<think>a <tool_call>f</tool_call></think>\n<tool_call>g\n</tool_call>", "a <tool_call>f</tool_call>", "<tool_call>g\n</tool_call>")]
    [InlineData("<|assistant|><think>", " a \n </think> b", "a", "b")]
    [InlineData("<|assistant|><think>\n", "a</think>b", "a", "b")]
    [InlineData("<|assistant|>\n<think></think>", "\nb </think>", "", "b </think>")]
    [InlineData("<|assistant|>\n<think></think>", "<think>b", "", "<think>b")]
    [InlineData("<|assistant|>", "<think>a</think>b", "a", "b")]
    public void SplitsThoughtAndAnswer(string prompt, string text, string reasoning, string content)
    {
        Assert.Equal((reasoning, content), Parse(prompt, [text]));
        Assert.Equal((reasoning, content), Parse(prompt, text.Select(c => c.ToString())));
    }

    [Fact]
    public void EverySplitGivesTheWholeStringResult()
    {
        string[] pieces = ["<think>", "</think>", "<th", "ink>", "</", "think>", "<", " ", "\n", "a", "b</", "<tool_call>", ">"];
        string[] prompts = ["", "<think>", "</think>"];
        Random random = new(6);
        for (int i = 0; i < 6000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(0, 9)).Select(_ => pieces[random.Next(pieces.Length)]));
            string prompt = prompts[random.Next(prompts.Length)];
            (string, string) expected = WholeString(prompt, text);
            Assert.Equal(expected, Parse(prompt, [text]));
            Assert.Equal(expected, Parse(prompt, Split(text, random)));
            Assert.Equal(expected, Parse(prompt, text.Select(c => c.ToString())));
        }
    }

    [Fact]
    public void HoldsBackOnlyWhatIsUncertain()
    {
        ReasoningParser parser = new();
        Assert.Equal(new("", ""), parser.Append("\n<thi"));
        Assert.Equal(new("one", ""), parser.Append("nk>one "));
        Assert.Equal(new(" two", ""), parser.Append("two</"));
        Assert.Equal(new("</x", ""), parser.Append("x \n</think"));
        Assert.Equal(new("", "Answer "), parser.Append(">\nAnswer "));
        Assert.Equal(new("", "<thi"), parser.Append("<thi"));
        Assert.Equal(new("", ""), parser.Flush());
    }

    /// <summary>The definition, on the whole text at once.</summary>
    private static (string Reasoning, string Content) WholeString(string prompt, string text)
    {
        if (prompt == "</think>")
        {
            return ("", text.TrimStart());
        }

        if (prompt == "")
        {
            text = text.TrimStart();
            if (!text.StartsWith("<think>", StringComparison.Ordinal))
            {
                return ("", text);
            }

            text = text["<think>".Length..];
        }

        string[] parts = text.Split("</think>", 2);
        return parts.Length == 1 ? (text.TrimStart(), "") : (parts[0].Trim(), parts[1].TrimStart());
    }

    private static (string Reasoning, string Content) Parse(string prompt, IEnumerable<string> chunks)
    {
        ReasoningParser parser = new(prompt);
        List<ReasoningDelta> deltas = [.. chunks.Select(parser.Append), parser.Flush()];
        return (string.Concat(deltas.Select(d => d.Reasoning)), string.Concat(deltas.Select(d => d.Content)));
    }

    private static IEnumerable<string> Split(string text, Random random)
    {
        for (int at = 0, length; at < text.Length; at += length)
        {
            length = random.Next(1, text.Length - at + 1);
            yield return text.Substring(at, length);
        }
    }
}
