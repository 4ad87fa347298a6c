using CpuMoe.Grammars;

namespace CpuMoe.Tests.Grammars;

public class JsonSchemaTests
{
    private const string Person = """
        {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150},"mail":{"type":"string","format":"email"}},"required":["name","age"]}
        """;

    [Theory]
    [InlineData(Person, """{"name":"Ann","age":7}""", true)]
    [InlineData(Person, """{ "name": "Ann \u00e9\ud83d\ude42 🙂", "age": 150, "mail": "a.b@c.de" }""", true)]
    [InlineData(Person, "{\n  \"name\": \"Ann\",\n  \"age\": 0\n}", true)]
    [InlineData(Person, """{"age":7,"name":"Ann"}""", false)]
    [InlineData(Person, """{"name":"Ann"}""", false)]
    [InlineData(Person, """{"name":"Ann","age":151}""", false)]
    [InlineData(Person, """{"name":"Ann","age":7,"other":1}""", false)]
    [InlineData(Person, """{"name":"\ud800","age":7}""", false)]
    [InlineData("""{"type":"object","properties":{"a":{},"ab":{}},"additionalProperties":{"type":"integer"}}""", """{"a":"x","b":1,"abc":2,"":3}""", true)]
    [InlineData("""{"type":"object","properties":{"a":{},"ab":{}},"additionalProperties":{"type":"integer"}}""", """{"ab":[],"a":1}""", false)]
    [InlineData("""{"type":"object","additionalProperties":{"type":"boolean"},"propertyNames":{"pattern":"^[a-z]+$"},"minProperties":1}""", """{"abc":true,"d":false}""", true)]
    [InlineData("""{"type":"object","additionalProperties":{"type":"boolean"},"propertyNames":{"pattern":"^[a-z]+$"},"minProperties":1}""", "{}", false)]
    [InlineData("""{"type":"object"}""", """{"x":{"y":[1,"z",null]}}""", true)]
    [InlineData("""{"properties":{"a":{"const":1}}}""", """{"a":1}""", true)]
    [InlineData("""{"type":"object","properties":{"a":{},"b":{},"c":{}},"minProperties":2,"maxProperties":2}""", """{"a":1,"c":2}""", true)]
    [InlineData("""{"type":"object","properties":{"a":{},"b":{},"c":{}},"minProperties":2,"maxProperties":2}""", """{"a":1,"b":2,"c":3}""", false)]
    [InlineData("""{"type":"object","properties":{"a":{},"b":{},"c":{}},"minProperties":2,"maxProperties":2}""", """{"c":3}""", false)]
    [InlineData("""{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3}""", "[1, 2,3]", true)]
    [InlineData("""{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3}""", "[1]", false)]
    [InlineData("""{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3}""", "[1,2,3,4]", false)]
    [InlineData("""{"type":"array","prefixItems":[{"type":"string"},{"type":"null"}],"items":false,"minItems":1}""", """["a"]""", true)]
    [InlineData("""{"type":"array","prefixItems":[{"type":"string"},{"type":"null"}],"items":false,"minItems":1}""", """["a",null]""", true)]
    [InlineData("""{"type":"array","prefixItems":[{"type":"string"},{"type":"null"}],"items":false,"minItems":1}""", """["a",null,1]""", false)]
    [InlineData("""{"type":"array","items":[{"type":"string"}],"additionalItems":{"type":"null"}}""", """["a",null,null]""", true)]
    [InlineData("""{"type":"array","items":false}""", "[]", true)]
    [InlineData("""{"type":"array","maxItems":0}""", "[1]", false)]
    [InlineData("""{"enum":["a\"b",1.50,{"x":[]}]}""", """{"x":[]}""", true)]
    [InlineData("""{"enum":["a\"b",1.50,{"x":[]}]}""", "\"a\\\"b\"", true)]
    [InlineData("""{"type":"string","enum":["a",1]}""", "1", false)]
    [InlineData("""{"const":null}""", "null", true)]
    [InlineData("""{"type":["integer","null"]}""", "null", true)]
    [InlineData("""{"type":["integer","null"]}""", "1.5", false)]
    [InlineData("""{"type":"string","nullable":true}""", "null", true)]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", "\"é🙂\"", true)]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", "\"\\u0041\"", false)]
    [InlineData("""{"type":"string","pattern":"b+"}""", "\"a\\nbbc\"", true)]
    [InlineData("""{"type":"string","pattern":"^[^a]\"$"}""", "\"\\n\\\"\"", true)]
    [InlineData("""{"type":"string","pattern":"^ab|cd$"}""", "\"xcd\"", true)]
    [InlineData("""{"type":"string","pattern":"^ab|cd$"}""", "\"xab\"", false)]
    [InlineData("""{"type":"string","format":"date"}""", "\"2024-02-28\"", true)]
    [InlineData("""{"type":"string","format":"date"}""", "\"2024-02-30\"", false)]
    [InlineData("""{"type":"string","format":"date-time"}""", "\"2024-12-31T23:59:59.5+02:00\"", true)]
    [InlineData("""{"type":"string","format":"uuid"}""", "\"123e4567-e89b-12d3-a456-426614174000\"", true)]
    [InlineData("""{"type":"number"}""", "-12.5e+3", true)]
    [InlineData("""{"type":"number"}""", "1234567890123456", false)]
    [InlineData("""{"type":"number","multipleOf":0.01}""", "3.14", true)]
    [InlineData("""{"type":"number","multipleOf":0.01}""", "3.141", false)]
    [InlineData("""{"type":"integer","multipleOf":7}""", "-49", true)]
    [InlineData("""{"type":"integer","multipleOf":7}""", "50", false)]
    [InlineData("""{"type":"integer","minimum":3,"exclusiveMinimum":true}""", "3", false)]
    [InlineData("""{"anyOf":[{"type":"integer"},{"type":"object","properties":{"a":{"type":"boolean"}},"required":["a"]}]}""", """{"a":true}""", true)]
    [InlineData("""{"type":"object","properties":{"a":{},"b":{}},"anyOf":[{"required":["a"]},{"required":["b"]}]}""", """{"b":1}""", true)]
    [InlineData("""{"type":"object","properties":{"a":{},"b":{}},"anyOf":[{"required":["a"]},{"required":["b"]}]}""", "{}", false)]
    [InlineData("""{"allOf":[{"type":"integer","minimum":3},{"maximum":5}]}""", "6", false)]
    [InlineData("""{"allOf":[{"type":"integer","minimum":3},{"maximum":5}]}""", "5", true)]
    [InlineData("""{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"array","items":{"$ref":"#"}}}}""", "[[],[[]]]", true)]
    [InlineData("""{"$ref":"#/$defs/x","maximum":5,"$defs":{"x":{"type":"integer"}}}""", "6", false)]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"string"}]}""", "\"x\"", true)]
    [InlineData("true", "[1,{}]", true)]
    [InlineData("""{"title":"anything","default":1}""", "\"x\"", true)]
    public void Texts(string schema, string text, bool matches)
    {
        Assert.Equal(matches, GrammarText.Matches(Grammar.FromJsonSchema(schema), text));
        if (matches && !schema.Contains("additionalItems", StringComparison.Ordinal))
        {
            // The validator knows neither drafts before 2020-12 nor escapes in pointers.
            Assert.True(SchemaValidator.IsValid(schema.Replace("a~1b", "a", StringComparison.Ordinal).Replace("\"a/b\"", "\"a\"", StringComparison.Ordinal), text));
        }
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "the root: a schema must be an object, true or false")]
    [InlineData("""{"properties":{"a/b":{"type":"int"}}}""", "/properties/a~1b/type: \"int\" is not a type")]
    [InlineData("""{"type":"array","items":{"not":{}}}""", "/items/not: the keyword 'not' is not supported")]
    [InlineData("""{"type":"object","patternProperties":{}}""", "/patternProperties")]
    [InlineData("""{"type":"array","uniqueItems":true}""", "/uniqueItems")]
    [InlineData("""{"$ref":"#/$defs/x"}""", "/$ref: '#/$defs/x' does not exist")]
    [InlineData("""{"$ref":"https://example.org/x"}""", "not within the schema")]
    [InlineData("""{"$ref":"#"}""", "refers to itself")]
    [InlineData("""{"allOf":[{"$ref":"#/allOf/0"}]}""", "refers to itself")]
    [InlineData("""{"type":"string","pattern":"(?=a)"}""", "/pattern: column 3: look-around")]
    [InlineData("""{"type":"string","pattern":"^a*$","minLength":2}""", "beside minLength")]
    [InlineData("""{"type":"string","minLength":-1}""", "/minLength: must be an integer")]
    [InlineData("""{"minimum":"3"}""", "/minimum: must be a number")]
    [InlineData("""{"required":[1]}""", "/required: must be an array of names")]
    [InlineData("""{"enum":3}""", "/enum: must be an array")]
    [InlineData("""{"anyOf":{}}""", "/anyOf: must be an array")]
    [InlineData("""{"type":"integer","multipleOf":7,"maximum":100}""", "/multipleOf")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"number"}]}""", "/oneOf: the alternatives 0 and 1 may accept the same value")]
    [InlineData("""{"type":"object","additionalProperties":true,"minProperties":3}""", "/minProperties")]
    public void Faults(string schema, string expected) =>
        Assert.Contains(expected, Assert.Throws<GrammarException>(() => Grammar.FromJsonSchema(schema)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("false")]
    [InlineData("""{"type":"integer","minimum":5,"maximum":4}""")]
    [InlineData("""{"allOf":[{"type":"integer"},{"type":"string"}]}""")]
    [InlineData("""{"type":"object","properties":{"a":false},"required":["a"]}""")]
    [InlineData("""{"enum":[]}""")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""")]
    [InlineData("""{"type":"number","minimum":1e300}""")]
    public void SchemasThatNothingSatisfies(string schema) =>
        Assert.Contains("No text", Assert.Throws<GrammarException>(() => Grammar.FromJsonSchema(schema).CreateConstraint(GrammarText.Bytes)).Message, StringComparison.Ordinal);

    [Fact]
    public void WhatCannotBeEnforcedMayBeIgnored()
    {
        Grammar grammar = Grammar.FromJsonSchema("""{"type":"array","uniqueItems":true,"items":{"oneOf":[{"type":"integer"},{"type":"number"}],"not":{"const":1}}}""", isStrict: false);
        Assert.True(GrammarText.Matches(grammar, "[1,1.5]"));
    }

    [Fact]
    public void NestingIsBoundedWithoutADeadEnd()
    {
        // Each list may be followed by another level, until only the end is left.
        Grammar grammar = Grammar.FromJsonSchema("""{"type":"array","items":{"$ref":"#"},"minItems":0}""");
        int deepest = Enumerable.Range(1, 100).Last(depth => GrammarText.Begins(grammar, new string('[', depth)));
        Assert.InRange(deepest, 15, 60);
        Assert.True(GrammarText.Matches(grammar, new string('[', deepest) + new string(']', deepest)));
    }
}
