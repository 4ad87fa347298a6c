using System.Diagnostics;
using CpuMoe.Chat;
using CpuMoe.Chat.Templates;

namespace CpuMoe.Tests.Chat.Templates;

/// <summary>Templates that want everything get a fault, soon and without using it.</summary>
public class LimitTests
{
    /// <summary>Long enough for a busy machine; what the limits do not stop takes hours.</summary>
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(5);

    private const long MaxAllocatedBytes = 256 << 20;

    [Theory]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "steps|MiB")]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}", "steps|MiB")]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{{ a * b }}{% endfor %}{% endfor %}", "steps|MiB")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "deeper than 1000 levels")]
    [InlineData("{% macro f(n) %}{{ f(n - 1) ~ f(n - 1) if n }}{% endmacro %}{{ f(60) }}", "MiB")]
    [InlineData("{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "MiB|characters")]
    [InlineData("{{ 'x' * 999999999999 }}", "characters|steps")]
    [InlineData("{{ ('x' * 1000000) * 1000000 }}", "MiB|characters")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}", "MiB")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{{ l }}", "deeper")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{{ l|tojson }}", "deeper")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{% set k = [] %}{% set _ = k.append(k) %}{{ l == k }}", "deeper")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{% set k = [] %}{% set _ = k.append(k) %}{{ l < k }}", "deeper")]
    [InlineData("{% set s = ('ab' * 200000) %}{% for i in range(100000) %}{{ ('a' * 1000 ~ 'c') in s }}{% endfor %}", "steps|MiB")]
    [InlineData("{% set s = ('a' * 200000) %}{% for i in range(100000) %}{{ s.strip('bcdefghijklmnopqrstuvwxyz') == s }}{% endfor %}", "steps|MiB")]
    [InlineData("{% set s = ('a' * 500000) %}{% set p = ('a' * 200000) ~ 'b' %}{% for i in range(1000) %}{{ s.find(p) }}{% endfor %}", "steps|MiB")]
    [InlineData("{% for i in range(100000) %}{% set _ = range(100000) %}{% endfor %}", "MiB")]
    [InlineData("{% for i in range(100000) %}{{ range(99999)|sort|first }}{% endfor %}", "MiB|steps")]
    [InlineData("{% set ns = namespace(n=7) %}{% for i in range(100) %}{% set ns.n = ns.n * ns.n %}{% endfor %}", "bits")]
    [InlineData("{{ 9 ** 999 ** 9 }}", "bits")]
    [InlineData("{{ 'x'|indent(999999999) }}{{ ('a\n' * 100000)|indent(100000) }}", "MiB|characters")]
    [InlineData("{{ [1]|batch(999999999, 0)|list }}", "MiB")]
    [InlineData("{{ [1]|slice(999999999)|list }}", "MiB")]
    [InlineData("{% set s = 'a,' * 1000000 %}{{ s.split(',')|length }}", "MiB")]
    [InlineData("{% set s = 'a' * 3000000 %}{{ s|list|length }}", "MiB")]
    [InlineData("{% set l = range(90000)|list %}{% for i in range(90000) %}{{ l.pop(0) }}{% endfor %}{% for i in range(9999) %}{{ 5 in range(1, 99999) }}{% endfor %}", "MiB|steps")]
    [InlineData("{% set k = 'k' * 1000000 %}{% set d = {k: 1} %}{% for i in range(90000) %}{{ d[k] }}{{ d.get(k) }}{{ k in d }}{{ d[k ~ 1] is defined }}{% endfor %}", "MiB|steps")]
    [InlineData("{% set k = 'k' * 1000000 %}{% set l = [k] * 1 %}", "'*' does not go with")]
    [InlineData("{% set k = 'k' * 1000000 %}{% for i in range(90000) %}{{ [k, k, k, k]|unique(true)|length }}{{ {k: 1}|length }}{% endfor %}", "MiB|steps")]
    [InlineData("{% set k = 'k.' * 1000000 %}{% for i in range(90000) %}{{ [{}]|map(attribute=k)|list }}{% endfor %}", "steps|undefined")]
    [InlineData("{% set t = ('x', 'x', 'x', 'x') %}{% for i in range(16) %}{% set t = t + t %}{% endfor %}{% set ns = namespace(t=t) %}{% for i in range(14) %}{% set ns.t = ns.t + ns.t %}{% endfor %}{% for i in range(100000) %}{{ 'a'.startswith(ns.t) }}{% endfor %}", "steps")]
    [InlineData("{{ strftime_now('%A' * 100000) }}", "at most 100")]
    [InlineData("{{ ('[' * 70 ~ ']' * 70)|from_json }}", "no valid JSON")]
    public void HostileTemplates(string template, string problem)
    {
        ChatTemplateException fault = Bounded(() => Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template).Render([])));
        Assert.Contains(problem.Split('|'), part => fault.Message.Contains(part, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("(", "1", ")")]
    [InlineData("[", "1", "]")]
    [InlineData("{1:", "1", "}")]
    [InlineData("not ", "1", "")]
    [InlineData("-", "1", "")]
    [InlineData("f(", "1", ")")]
    [InlineData("a[", "1", "]")]
    [InlineData("1 if 1 else ", "1", "")]
    [InlineData("1 + ", "1", "")]
    [InlineData("1 ** ", "1", "")]
    [InlineData("1 and ", "1", "")]
    [InlineData("", "1", ".x")]
    [InlineData("", "1", "|abs")]
    [InlineData("", "1", " if 1")]
    public void DeepExpressions(string before, string middle, string after)
    {
        foreach (int count in (int[])[50, 1000, 30_000])
        {
            string expression = string.Concat(Enumerable.Repeat(before, count)) + middle + string.Concat(Enumerable.Repeat(after, count));
            Exception? fault = Bounded(() => Record.Exception(() => TemplateFiles.Render($"{{{{ {expression} }}}}")));
            Assert.True(fault is null or ChatTemplateException, fault?.ToString());
            Assert.True(count < 1000 || fault!.Message.Contains("nested deeper", StringComparison.Ordinal) || fault.Message.Contains("follow one another", StringComparison.Ordinal)
                || fault.Message.Contains("characters", StringComparison.Ordinal), fault?.Message);
        }
    }

    [Theory]
    [InlineData("{% if 1 %}", "{% endif %}")]
    [InlineData("{% for x in [1] %}", "{% endfor %}")]
    [InlineData("{% macro f() %}", "{% endmacro %}")]
    [InlineData("{% set x %}", "{% endset %}")]
    [InlineData("{% filter upper %}", "{% endfilter %}")]
    public void DeepBlocks(string open, string close)
    {
        string template = string.Concat(Enumerable.Repeat(open, 5000)) + string.Concat(Enumerable.Repeat(close, 5000));
        Assert.Contains("nested deeper", Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template)).Message, StringComparison.Ordinal);
        string shallow = string.Concat(Enumerable.Repeat(open, 50)) + string.Concat(Enumerable.Repeat(close, 50));
        Assert.Equal("", ChatTemplate.Parse(shallow).Render([]).Text);
    }

    [Fact]
    public void ALongNameIsRefused() => Assert.Contains(
        "line 1, column 4: the name is longer than 200 characters",
        Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse($"{{{{ {new string('x', 201)} }}}}")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void ALongSourceIsRefused() =>
        Assert.Contains("up to 262144 are read", Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(new string('x', 300_000))).Message, StringComparison.Ordinal);

    [Fact]
    public void OneTemplateServesManyThreads()
    {
        ChatTemplate template = ChatTemplate.Parse(TemplateFiles.Read("qwen3"));
        string expected = template.Render([TemplateFiles.User("Hi"), TemplateFiles.Assistant("a", "b")]).Text;
        Parallel.For(0, 200, i => Assert.Equal(expected, template.Render([TemplateFiles.User("Hi"), TemplateFiles.Assistant("a", "b")]).Text));
    }

    [Fact]
    public void LimitsCanBeSet()
    {
        ChatTemplate template = ChatTemplate.Parse("{% for i in range(10) %}xx{% endfor %}");
        Assert.Contains("than 10 steps", Fault(new TemplateLimits { Steps = 10 }), StringComparison.Ordinal);
        Assert.Contains("deeper than 2 levels", Fault(new TemplateLimits { Depth = 2 }), StringComparison.Ordinal);
        Assert.Contains("longer than 10 characters", Fault(new TemplateLimits { OutputLength = 10 }), StringComparison.Ordinal);
        Assert.Contains("than 0 MiB", Fault(new TemplateLimits { Memory = 100 }), StringComparison.Ordinal);

        string Fault(TemplateLimits limits) => Assert.Throws<ChatTemplateException>(() => template.Render([], new PromptOptions { Limits = limits })).Message;
    }

    /// <summary>A context of 128k tokens in 2,000 messages is far from every limit.</summary>
    [Fact]
    public void LongConversationsAreWithinTheLimits()
    {
        string text = string.Concat(Enumerable.Repeat("lorem ipsum dolor sit amet ", 12));
        ChatMessage[] messages =
        [
            .. Enumerable.Range(0, 1000).SelectMany(i => (ChatMessage[])[TemplateFiles.User(text), TemplateFiles.Assistant(text, text)]),
            TemplateFiles.User("?"),
        ];
        PromptOptions options = new() { Limits = new TemplateLimits { Steps = new TemplateLimits().Steps / 2, Memory = new TemplateLimits().Memory / 2 } };
        foreach (string source in (string[])[TemplateFiles.Glm45, .. TemplateFiles.Families.Where(family => family != "qwen3").Select(TemplateFiles.Read)])
        {
            RenderedPrompt prompt = Bounded(() => ChatTemplate.Parse(source).Render(messages, options));
            Assert.InRange(prompt.Text.Length, 2000 * text.Length, 3 * 2000 * text.Length);
        }
    }

    private static T Bounded<T>(Func<T> action)
    {
        long start = Stopwatch.GetTimestamp();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        T result = action();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, MaxAllocatedBytes);
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, MaxTime);
        return result;
    }
}
