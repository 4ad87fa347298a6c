using CpuMoe.Generation;
using CpuMoe.Text;

namespace CpuMoe.Server.Requests;

/// <summary>Reads how tokens are chosen, under the names that OpenAI, llama.cpp and Ollama share.</summary>
internal static class SamplingReader
{
    private const int Bias = 100; // The least bias bans.
    private const int MostStops = 64;
    private const int LongestStop = 4096;
    private const int MostBiases = 1 << 16;
    private const int MostPenalty = 100;

    private static readonly SamplerOptions Defaults = new();

    /// <summary>The options in the members of <paramref name="values"/>; what is absent is the engine's default.</summary>
    /// <param name="values">The body, or the object of its options.</param>
    /// <param name="vocabulary">The tokens of the model.</param>
    public static SamplerOptions Read(RequestValue values, Vocabulary vocabulary)
    {
        if (values.Member("typical_p") is { } typical && typical.AsNumber(0, 1) != 1)
        {
            throw typical.Fault("1 or absent, as this server has no typical sampling");
        }

        return new SamplerOptions
        {
            Temperature = values.Member("temperature")?.AsNumber(0, 2) ?? Defaults.Temperature,
            TopK = values.Member("top_k")?.AsInt(0) ?? Defaults.TopK,
            TopP = TopP(values.Member("top_p")) ?? Defaults.TopP,
            MinP = values.Member("min_p")?.AsNumber(0, 1) ?? Defaults.MinP,
            RepeatPenalty = RepeatPenalty(values.Member("repeat_penalty") ?? values.Member("repetition_penalty")) ?? Defaults.RepeatPenalty,
            PenaltyWindow = values.Member("repeat_last_n")?.AsInt(-1) ?? Defaults.PenaltyWindow,
            PresencePenalty = values.Member("presence_penalty")?.AsNumber(-2, 2) ?? Defaults.PresencePenalty,
            FrequencyPenalty = values.Member("frequency_penalty")?.AsNumber(-2, 2) ?? Defaults.FrequencyPenalty,
            LogitBias = values.Member("logit_bias") is { } biases ? ReadBiases(biases, vocabulary) : null,
            Seed = values.Member("seed") is { } seed ? unchecked((ulong)seed.AsLong()) : null,
        };
    }

    /// <summary>Stop strings: one or several; empty ones stop nothing.</summary>
    public static IReadOnlyList<string> ReadStops(RequestValue? stops)
    {
        if (stops is not { } value)
        {
            return [];
        }

        List<RequestValue> items = value.Kind switch
        {
            System.Text.Json.JsonValueKind.String => [value],
            System.Text.Json.JsonValueKind.Array => value.Items(),
            _ => throw value.Fault("a string or an array of strings"),
        };
        if (items.Count > MostStops)
        {
            throw value.Fault($"at most {MostStops} strings");
        }

        return [.. items.Select(ReadStop).Where(stop => stop.Length > 0)];
    }

    private static string ReadStop(RequestValue value) =>
        value.AsString() is { Length: <= LongestStop } stop ? stop : throw value.Fault($"at most {LongestStop} characters long");

    private static float? TopP(RequestValue? value) =>
        value is not { } p ? null : p.AsNumber(0, 1) is > 0 and var number ? number : throw p.Fault("a number above 0 and at most 1");

    private static float? RepeatPenalty(RequestValue? value) =>
        value is not { } r ? null : r.AsNumber(0, MostPenalty) is > 0 and var number ? number : throw r.Fault($"a number above 0 and at most {MostPenalty}, where 1 is off");

    private static Dictionary<int, float> ReadBiases(RequestValue biases, Vocabulary vocabulary)
    {
        Dictionary<int, float> result = [];
        foreach ((string name, RequestValue value) in biases.Members())
        {
            if (!int.TryParse(name, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int id) || id >= vocabulary.Count)
            {
                throw biases.Fault($"an object whose members are named by token ids from 0 to {vocabulary.Count - 1}");
            }

            float bias = value.AsNumber(-Bias, Bias);
            result[id] = bias == -Bias ? float.NegativeInfinity : bias;
            if (result.Count > MostBiases)
            {
                throw biases.Fault($"an object of at most {MostBiases} members");
            }
        }

        return result;
    }
}
