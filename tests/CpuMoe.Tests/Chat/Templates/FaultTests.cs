using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Tests.Text;
using CpuMoe.Text;

namespace CpuMoe.Tests.Chat.Templates;

/// <summary>Bad templates and conversations get one clear fault that names the place.</summary>
public class FaultTests
{
    [Theory]
    [InlineData("a\n  {{ x", 2, 3, "'}}' is missing")]
    [InlineData("{% if x %}", 1, 11, "'{% elif %}' or '{% else %}' or '{% endif %}' is expected, not the end of the template")]
    [InlineData("{% for x in y %}{% endif %}", 1, 17, "'{% else %}' or '{% endfor %}' is expected")]
    [InlineData("a{% endif %}", 1, 2, "'endif' closes nothing")]
    [InlineData("{# x", 1, 1, "'#}' is missing")]
    [InlineData("{% raw %} x", 1, 1, "'{% endraw %}' is missing")]
    [InlineData("{{ 'x }}", 1, 4, "the string does not end")]
    [InlineData("{{ ) }}", 1, 4, "')' closes nothing")]
    [InlineData("{{ a $ b }}", 1, 6, "'$' has no meaning")]
    [InlineData("{{ a b }}", 1, 6, "'}}' is expected, not 'b'")]
    [InlineData("{{ 1 + }}", 1, 8, "a value is expected, not '}}'")]
    [InlineData("{{ f(a=1, 2) }}", 1, 11, "without a name follows")]
    [InlineData("{% frob %}", 1, 4, "there is no statement 'frob'")]
    [InlineData("{% include 'x' %}", 1, 4, "stands alone")]
    [InlineData("{% break %}", 1, 4, "outside of a loop")]
    [InlineData("{% for x in [1] %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}", 1, 37, "outside of a loop")]
    [InlineData("{% macro f(a, a) %}{% endmacro %}", 1, 15, "'a' is taken already")]
    [InlineData("{{ '\\xZZ' }}", 1, 5, "2 hexadecimal digits")]
    public void SourcesThatAreNoTemplate(string template, int line, int column, string problem) =>
        AssertFault(Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template)), line, column, problem);

    [Theory]
    [InlineData("a\n{{ x.y }}", 2, 6, "'x' is undefined and has no 'y'")]
    [InlineData("{{ x.y is defined }}", 1, 6, "'x' is undefined and has no 'y'")]
    [InlineData("{{ messages[0].role }}", 1, 16, "'0' is undefined and has no 'role'")]
    [InlineData("{{ 1 + x }}", 1, 6, "'x' is undefined, and '+' needs a value")]
    [InlineData("{{ 'a' + 1 }}", 1, 8, "'+' does not go with a string and an integer")]
    [InlineData("{{ 1 + 2 ~ 3 }}", 1, 6, "'+' does not go with an integer and a string")]
    [InlineData("{{ [1] + (1,) }}", 1, 8, "'+' does not go with a list and a tuple")]
    [InlineData("{{ 1 // 0 }}", 1, 6, "division by zero")]
    [InlineData("{{ 1.5 % 0 }}", 1, 8, "division by zero")]
    [InlineData("{{ 2 ** 99999 }}", 1, 6, "4096 bits")]
    [InlineData("{{ nofunction(1) }}", 1, 14, "there is no function 'nofunction'")]
    [InlineData("{{ 'a'.nomethod() }}", 1, 16, "there is no function 'nomethod'")]
    [InlineData("{{ 'a'() }}", 1, 7, "a string cannot be called")]
    [InlineData("{{ 1|nofilter }}", 1, 6, "there is no filter 'nofilter'")]
    [InlineData("{{ 1 is notest }}", 1, 9, "there is no test 'notest'")]
    [InlineData("{{ [1]|select('notest')|list }}", 1, 8, "there is no test 'notest'")]
    [InlineData("{{ [1]|map('nofilter')|list }}", 1, 8, "there is no filter 'nofilter'")]
    [InlineData("{{ 1|join }}", 1, 6, "an integer has no elements")]
    [InlineData("{{ 'x'|items }}", 1, 8, "a string is no mapping")]
    [InlineData("{{ x|tojson }}", 1, 6, "'x' is undefined and cannot be written as JSON")]
    [InlineData("{{ range|tojson }}", 1, 10, "the function 'range' cannot be written as JSON")]
    [InlineData("{{ 'x'|from_json }}", 1, 8, "no valid JSON")]
    [InlineData("{{ 'x'|replace('a') }}", 1, 8, "the filter 'replace' needs the argument 'new'")]
    [InlineData("{{ 'x'.strip(1, 2) }}", 1, 13, "the method 'strip' takes at most 1 arguments, not 2")]
    [InlineData("{{ 'x'.strip(q=1) }}", 1, 13, "has no parameter 'q'")]
    [InlineData("{{ 'x'.split('') }}", 1, 13, "the separator is empty")]
    [InlineData("{{ [1, 'a']|sort }}", 1, 13, "have no order")]
    [InlineData("{{ 1 < 'a' }}", 1, 6, "an integer and a string have no order")]
    [InlineData("{{ 1 in 2 }}", 1, 6, "an integer has no elements")]
    [InlineData("{{ 1 in 'a' }}", 1, 6, "an integer cannot be part of a string")]
    [InlineData("{{ {[]: 1} }}", 1, 4, "a list cannot be a key")]
    [InlineData("{{ [1][::0] }}", 1, 7, "the step of a slice is 0")]
    [InlineData("{{ range(1000000) }}", 1, 9, "more than 100000 numbers")]
    [InlineData("{% for a, b in [[1]] %}{% endfor %}", 1, 1, "1 values cannot be given to 2 names")]
    [InlineData("{% for a in 1 %}{% endfor %}", 1, 1, "an integer has no elements")]
    [InlineData("{% set x = 1 %}{% set x.y = 1 %}", 1, 16, "'x' is none")]
    [InlineData("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", 1, 35, "at most 1 arguments, not 2")]
    [InlineData("{% set t = (1,) %}{{ t.append(1) }}", 1, 30, "a tuple cannot change")]
    [InlineData("\n {{- raise_exception('no ' ~ 'tools') }}", 2, 21, "the template refuses: no tools")]
    public void WhatCannotBeEvaluated(string template, int line, int column, string problem) =>
        AssertFault(Assert.Throws<ChatTemplateException>(() => TemplateFiles.Render(template)), line, column, problem);

    [Fact]
    public void AnUnknownRoleIsRejected() => Assert.Contains(
        "Message 1",
        Assert.Throws<ArgumentException>(() => ChatTemplate.Parse("").Render([TemplateFiles.User("x"), new((ChatRole)9, "x")])).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"a\": \"\\ud800\"}")]
    public void ASchemaThatIsNoObjectIsRejected(string schema) => Assert.Contains(
        "'f'",
        Assert.Throws<ArgumentException>(() => ChatTemplate.Parse("").Render([], new PromptOptions { Tools = [new ToolDefinition("f", null, schema)] })).Message,
        StringComparison.Ordinal);

    [Fact]
    public void AVariableThatIsNoTextIsRejected() => Assert.Contains(
        "'x'",
        Assert.Throws<ArgumentException>(() => TemplateFiles.Render("{{ x }}", """{"x": ["\ud800"]}""")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void AModelWithoutATemplateHasNone()
    {
        Tokenizer tokenizer = Tokenizers.ByteLevel("glm4", ["a b"]);
        Assert.Null(tokenizer.ChatTemplate);
        Assert.Contains("no chat template", Assert.Throws<ChatTemplateException>(() => ChatTemplate.Of(tokenizer)).Message, StringComparison.Ordinal);
        Assert.Equal("[]", ChatTemplate.Parse("[{{ bos_token }}{{ eos_token }}]", tokenizer.Vocabulary).Render([]).Text);
    }

    private static void AssertFault(ChatTemplateException fault, int line, int column, string problem)
    {
        Assert.Contains(problem, fault.Message, StringComparison.Ordinal);
        Assert.StartsWith($"chat template, line {line}, column {column}: ", fault.Message, StringComparison.Ordinal);
        Assert.Equal((line, column), (fault.Line, fault.Column));
    }
}
