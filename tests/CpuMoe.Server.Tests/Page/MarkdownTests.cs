using System.Text;

namespace CpuMoe.Server.Tests.Page;

/// <summary>Markdown as the chat page shows it.</summary>
[Collection(PageBrowserGroup.Name)]
public class MarkdownTests(ServerFixture fixture, PageBrowser browser)
{
    // The tree as text, without what copies code and without attributes.
    private const string Describe = """
        async text => {
          const { render } = await import("/chat/markdown.js");
          const describe = node => node.nodeType === Node.TEXT_NODE ? node.data : node.tagName === "BUTTON" ? ""
            : `${node.tagName.toLowerCase()}(${[...node.childNodes].map(describe).join("")})`;
          const container = document.createElement("div");
          render(container, text);
          return [...container.childNodes].map(describe).join("\n");
        }
        """;

    private static readonly (string Text, string Tree)[] Texts =
    [
        ("plain", "p(plain)"),
        ("one\ntwo\n\nthree", "p(onebr()two)\np(three)"),
        ("# Title #\n###### Small", "h3(Title)\nh6(Small)"),
        ("a **b *c* d** e_f_g _h_ **i", "p(a strong(b em(c) d) e_f_g em(h) **i)"),
        ("***both*** 2 * 3 * 4 **", "p(strong(em(both)) 2 * 3 * 4 **)"),
        ("`a*b*` ``c`d`` `open \\*e\\* \\n", "p(code(a*b*) code(c`d) `open *e* \\n)"),
        ("```cs\nint a;\n\n  b\n```\nafter", "div(div(span(cs))pre(code(int a;\n\n  b)))\np(after)"),
        ("~~~\n```\n~~~~", "div(div(span(text))pre(code(```)))"),
        ("```\nnot closed", "div(div(span(text))pre(code(not closed)))"),
        ("- a\n- b\n  - c\n    d\n- e", "ul(li(a)li(bul(li(cbr()d)))li(e))"),
        ("1. a\n\n   ```\n   x\n   ```\n\n2. b", "ol(li(adiv(div(span(text))pre(code(x))))li(b))"),
        ("3) c\n- d", "ol(li(c))\nul(li(d))"),
        ("- a\n\ntext", "ul(li(a))\np(text)"),
        ("> a\n> > b\n\nc", "blockquote(p(a)blockquote(p(b)))\np(c)"),
        ("---\n* * *\n-", "hr()\nhr()\nul(li())"),
        ("| a | b |\n|:--|--:|\n| 1 | *2* |\nend", "div(table(thead(tr(th(a)th(b)))tbody(tr(td(1)td(em(2))))))\np(end)"),
        ("[*x*](https://example.org/a_(b)) <https://example.org>", "p(a(em(x)) <a(https://example.org)>)"),
        ("See https://example.org/a_b_c. [y](mailto:a@example.org) [z](nowhere)", "p(See a(https://example.org/a_b_c). a(y) [z](nowhere))"),
        ("[https://example.org](https://example.org)", "p(a(https://example.org))"),
        ("text\n- item\n# h", "p(text)\nul(li(item))\nh3(h)"),
    ];

    [Fact]
    public Task What_models_write_gets_its_shape() => browser.UseAsync(fixture.Server, async window =>
    {
        foreach ((string text, string tree) in Texts)
        {
            Assert.Equal(tree, await window.Page.EvaluateAsync<string>(Describe, text));
        }
    });

    [Fact]
    public Task A_text_that_grows_ends_as_if_it_had_come_at_once() => browser.UseAsync(fixture.Server, async window =>
    {
        string[] pieces = ["*", "**", "_", "`", "```", "\n", "\n\n", "    ", "  ", "- ", "1. ", "> ", "# ", "|", "|-|-|", "[", "](", ")", "https://example.org", "\\", "word", " ", "<b>", "~~~", "---", "é"];
        Random random = new(20);
        string[] texts = [.. Enumerable.Range(0, 400).Select(_ => string.Concat(Enumerable.Range(0, random.Next(1, 60)).Select(_ => pieces[random.Next(pieces.Length)])))];
        string[] different = await window.Page.EvaluateAsync<string[]>("""
            async texts => {
              const { render } = await import("/chat/markdown.js");
              return texts.filter(text => {
                const grown = document.createElement("div"), whole = document.createElement("div");
                for (let length = 0; length < text.length; length += 1 + length % 5) {
                  render(grown, text.slice(0, length));
                }

                render(grown, text);
                render(whole, text);
                return grown.innerHTML !== whole.innerHTML;
              });
            }
            """, texts);
        Assert.Empty(different);
    });

    [Fact]
    public Task No_text_takes_long() => browser.UseAsync(fixture.Server, async window =>
    {
        string[] units = ["[", "](", "*", "**a ", "_a ", "`", "`a``b", "> ", "- ", "  - ", "1. ", "|", "|-", "#", "\\", "https://", "(((", "[a](", "\n> ", "\n- ", "***", "a*b_c`", "```\n"];
        string[] texts = [.. units.Select(unit => new StringBuilder().Insert(0, unit, 40_000 / unit.Length).ToString()), string.Join('\n', Enumerable.Range(0, 300).Select(depth => new string(' ', depth) + "- x"))];
        foreach (string text in texts)
        {
            double time = await window.Page.EvaluateAsync<double>("""
                async text => {
                  const { render } = await import("/chat/markdown.js");
                  const start = performance.now();
                  render(document.createElement("div"), text);
                  return performance.now() - start;
                }
                """, text);
            Assert.True(time < 3000, $"{time} ms for {text[..20]}");
        }
    });
}
