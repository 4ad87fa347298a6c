using System.Diagnostics;
using CpuMoe.Chat;
using CpuMoe.Chat.Templates;

namespace CpuMoe.Tests.Chat.Templates;

/// <summary>Seeded mutations of real templates: whatever comes, a prompt or a clear fault, in bounded time and memory.</summary>
public class MutationTests
{
    private const long MaxAllocatedBytes = 64 << 20;

    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(1);

    private static readonly string[] Pieces =
    [
        "{%", "%}", "{{", "}}", "{#", "#}", "-%}", "{%-", "(", ")", "[", "]", "{", "}", "'", "\"", "|", ".", ",", ":", "=", "==", "+", "-", "~", "*", "**", "//", "%",
        " in ", " not ", " is ", " if ", " else ", " and ", "for x in messages", "endfor", "endif", "elif", "{% else %}", "{% break %}", "{% raw %}", "{% set x = messages %}",
        "{% for m in messages %}", "{% endfor %}", "{% macro f(a) %}", "{% endmacro %}", "{{ f(f) }}", "messages", "loop", "loop.index0", "ns", "none", "true", "x", "0", "-1", "99999999", "1.5e300",
        "range(100000)", "[::-1]", "[1:]", "|tojson(indent=4)", "|length", "|list", "|join", "|sort", "|string * 100000", ".split('')", ".items()", ".strip()", ".append(messages)",
        "namespace(a=1)", "raise_exception('x')", "strftime_now('%Y')", "\\", "\n", "\u00e9", "\ud83d\ude00", "\ud800",
    ];

    private static readonly ChatMessage[] Messages =
    [
        TemplateFiles.System("S"), TemplateFiles.User("Weather?"),
        TemplateFiles.Assistant("<think>hm</think>So", null, new ToolCall("1", "get_weather", """{"city": "Paris", "n": [1, 2.5, null]}""")),
        TemplateFiles.Tool("{\"t\":20}", "1"), TemplateFiles.Assistant("20", "done"), TemplateFiles.User("Bye"),
    ];

    private static readonly PromptOptions Options = new()
    {
        Tools = [new ToolDefinition("get_weather", "Weather", """{"type": "object", "properties": {"city": {"type": "string"}}}""")],
        Clock = new FixedClock(),
    };

    [Theory]
    [InlineData("demo", 4_000, 1)]
    [InlineData("glm-4.7", 1_000, 2)]
    [InlineData("qwen3", 1_000, 3)]
    [InlineData("llama3", 1_000, 4)]
    [InlineData("deepseek", 1_000, 5)]
    [InlineData("mistral", 1_000, 6)]
    [InlineData("smollm2", 1_000, 7)]
    public void MutatedTemplates(string family, int runs, int seed)
    {
        string original = family == "demo" ? TemplateFiles.Glm45 : TemplateFiles.Read(family);
        Random random = new(seed);
        int rendered = 0;
        for (int run = 0; run < runs; run++)
        {
            string mutated = Mutate(original, random);
            rendered += Renders(mutated, $"{family}, run {run}") ? 1 : 0;
        }

        // Else the mutations are too mild or too harsh to test anything.
        Assert.InRange(rendered, runs / 50, runs - (runs / 50));
    }

    private static bool Renders(string template, string run)
    {
        long start = Stopwatch.GetTimestamp();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        Exception? fault = Record.Exception(() => ChatTemplate.Parse(template, "<s>", "</s>").Render(Messages, Options));
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Assert.True(fault is null or ChatTemplateException { Line: > 0, Column: > 0, Message.Length: < 1000 }, $"{run}: {fault}\n{template}");
        Assert.True(elapsed < MaxTime && allocated < MaxAllocatedBytes, $"{run}: {elapsed}, {allocated} bytes, {fault?.Message}\n{template}");
        return fault is null;
    }

    private static string Mutate(string text, Random random)
    {
        for (int count = random.Next(1, 4); count > 0; count--)
        {
            int at = random.Next(text.Length + 1), length = random.Next(1, 40);
            string after = text[Math.Min(at + length, text.Length)..];
            text = text[..at] + random.Next(6) switch
            {
                0 => after,
                1 => text[at..^after.Length] + text[at..],
                2 => (char)random.Next(32, 127) + text[Math.Min(at + 1, text.Length)..],
                3 => Copy(text, random, length) + text[at..],
                _ => Pieces[random.Next(Pieces.Length)] + text[at..],
            };
        }

        return text;
    }

    private static string Copy(string text, Random random, int length)
    {
        int from = random.Next(text.Length + 1);
        return text[from..Math.Min(from + length, text.Length)];
    }
}
