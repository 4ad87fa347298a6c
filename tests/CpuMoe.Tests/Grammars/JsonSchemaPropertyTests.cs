using System.Text.Json;
using System.Text.Json.Nodes;
using CpuMoe.Grammars;
using CpuMoe.Tests.Text;

namespace CpuMoe.Tests.Grammars;

/// <summary>Whatever the weights, what is written satisfies the schema.</summary>
public class JsonSchemaPropertyTests
{
    [Fact]
    public void ThousandRandomSchemasAndLogits()
    {
        int complete = 0, written = 0;
        for (int seed = 0; seed < 1000; seed++)
        {
            Random random = new(seed);
            JsonNode schema = new RandomSchemas(random).Next();
            string json = schema.ToJsonString();
            Grammar grammar;
            try
            {
                grammar = Grammar.FromJsonSchema(json);
                grammar.CreateConstraint(Tokenizers.Demo);
            }
            catch (GrammarException fault)
            {
                // Some contradict themselves or take combinations that are refused; what is refused is said.
                Assert.Matches("No text|not supported|cannot be enforced|refers to itself", fault.Message);
                continue;
            }

            written++;
            if (GrammarText.Write(grammar, Tokenizers.Demo, random, 400) is { } text)
            {
                complete++;
                Assert.True(SchemaValidator.IsValid(json, text), $"seed {seed}: {json}\n{text}");
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{written} schemas were used, {complete} texts complete");
        Assert.True(written > 950 && complete > 900, $"{written} schemas were used, {complete} texts complete");
    }

    [Fact]
    public void NumbersOfRandomRanges()
    {
        Random random = new(77);
        for (int i = 0; i < 300; i++)
        {
            decimal low = Bound(), high = low + (random.Next(3) == 0 ? random.Next(0, 3) * 0.01m : Math.Abs(Bound()));
            bool isInteger = random.Next(2) == 0, excludesLow = random.Next(2) == 0, excludesHigh = random.Next(2) == 0;
            JsonObject schema = new() { ["type"] = isInteger ? "integer" : "number" };
            if (random.Next(6) > 0)
            {
                schema[excludesLow ? "exclusiveMinimum" : "minimum"] = low;
            }

            if (random.Next(6) > 0)
            {
                schema[excludesHigh ? "exclusiveMaximum" : "maximum"] = high;
            }

            string json = schema.ToJsonString();
            Grammar grammar = Grammar.FromJsonSchema(json);
            bool hasAny = schema.Count < 3 || (isInteger
                ? Enumerable.Range(0, 2).Any(step => decimal.Floor(low) + step is var n && (n > low || (n == low && !excludesLow)) && (n < high || (n == high && !excludesHigh)))
                : low < high || (low == high && !excludesLow && !excludesHigh));
            if (!hasAny)
            {
                Assert.Throws<GrammarException>(() => grammar.CreateConstraint(Tokenizers.Demo));
                continue;
            }

            for (int n = 0; n < 8; n++)
            {
                string text = GrammarText.Write(grammar, Tokenizers.Demo, random, 60)!;
                Assert.True(SchemaValidator.IsValid(json, text), $"{json}: {text}");
            }

            // The bounds themselves, where they are numbers of the range.
            foreach (decimal probe in (decimal[])[low, high, (low + high) / 2, 0, decimal.Round(low) + 1])
            {
                string text = decimal.Round(probe, 2).ToString("0.##", System.Globalization.CultureInfo.InvariantCulture);
                if (text != "-0" && (!isInteger || !text.Contains('.', StringComparison.Ordinal)))
                {
                    Assert.True(SchemaValidator.IsValid(json, text) == GrammarText.Matches(grammar, text), $"{json}: {text}");
                }
            }
        }

        decimal Bound() => decimal.Round((decimal)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(0, 7))), random.Next(0, 3));
    }

    [Fact]
    public void AnyObject()
    {
        Random random = new(6);
        int complete = 0;
        for (int i = 0; i < 100; i++)
        {
            if (GrammarText.Write(Grammar.JsonObject, Tokenizers.Demo, random, 500) is { } text)
            {
                complete++;
                using var document = JsonDocument.Parse(text);
                Assert.Equal(JsonValueKind.Object, document.RootElement.ValueKind);
            }
        }

        Assert.True(complete > 30, $"{complete} were complete");
    }
}
