using System.Text.Json;

namespace CpuMoe.Tests.Chat.Templates;

/// <summary>The language: small templates with the texts that Jinja 3.1 (Python), set up as in transformers, makes of them.</summary>
public class FeatureTests
{
    private static readonly JsonElement Cases = TemplateFiles.ReadFeatures();

    public static TheoryData<string> Features => [.. Cases.EnumerateArray().Select(item => item.GetProperty("feature").GetString()!).Distinct()];

    [Theory]
    [MemberData(nameof(Features))]
    public void RendersAsJinja(string feature)
    {
        int count = 0;
        foreach (JsonElement item in Cases.EnumerateArray().Where(item => item.GetProperty("feature").GetString() == feature))
        {
            string template = item.GetProperty("template").GetString()!;
            string rendered = TemplateFiles.Render(template, item.GetProperty("variables")).Text;
            Assert.True(rendered == item.GetProperty("expected").GetString(), $"{template}\n---\n{item.GetProperty("expected").GetString()}\n---\n{rendered}");
            count++;
        }

        Assert.True(count > 2);
    }

    [Theory]
    [InlineData("{% set l = [] %}{% for i in range(3) %}{% set _ = l.append(i) %}{% endfor %}{{ l }}{{ l.pop() }}{{ l.pop(0) }}{{ l }}", "[0, 1, 2]20[1]")]
    [InlineData("{% set d = {'a': 1} %}{% set _ = d.update({'b': 2}) %}{{ d }}{{ d.pop('a') }}{{ d }}", "{'a': 1, 'b': 2}1{'b': 2}")]
    [InlineData("{{ {'a': 1}|keys|list }}{{ {'a': 1}|values|list }}", "['a'][1]")]
    [InlineData("{{ '{\"a\": [1, 2.0, null, 12345678901234567890]}'|from_json }}", "{'a': [1, 2.0, None, 12345678901234567890]}")]
    [InlineData("{% generation %}a{{ 1 }}{% endgeneration %}b", "a1b")]
    [InlineData("{{ 'a'|safe + '<' }}", "a<")]
    [InlineData("{{ 1[1:] is defined }}{{ none[:2] is defined }}", "FalseFalse")]
    [InlineData("{% if false %}{{ 1|nofilter }}{{ 1 is notest }}{% endif %}ok", "ok")]
    public void RendersWhatTheSandboxOfPythonDoesNotOffer(string template, string expected) =>
        Assert.Equal(expected, TemplateFiles.Render(template).Text);
}
