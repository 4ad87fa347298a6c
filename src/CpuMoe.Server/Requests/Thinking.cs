using System.Text.Json;

namespace CpuMoe.Server.Requests;

/// <summary>Whether a request wants the model to think, in the many forms in which clients say so.</summary>
/// <param name="Wanted">null where it says nothing.</param>
/// <param name="Budget">The most tokens of the thought; null for no limit.</param>
/// <param name="Variables">What it hands to the chat template.</param>
internal sealed record Thinking(bool? Wanted, int? Budget, IReadOnlyDictionary<string, JsonElement> Variables)
{
    private static readonly string[] Switches = ["enable_thinking", "thinking"];

    /// <summary>Reads <c>chat_template_kwargs</c>, <c>reasoning_effort</c>, <c>thinking</c> (z.ai, Anthropic) and <c>reasoning</c> (OpenRouter, Responses).</summary>
    public static Thinking Read(RequestValue body)
    {
        Dictionary<string, JsonElement> variables = [];
        List<bool> votes = [];
        int? budget = null;
        if (body.Member("reasoning_effort") is { } effort)
        {
            votes.Add(ReadEffort(effort));
            variables["reasoning_effort"] = effort.Element;
        }

        if (body.Member("thinking") is { } thinking)
        {
            votes.Add(thinking.Required("type").AsOneOf("enabled", "disabled", "adaptive", "between_tools") != "disabled");
            budget = thinking.Member("budget_tokens")?.AsInt(0);
        }

        if (body.Member("reasoning") is { } reasoning)
        {
            ReadReasoning(reasoning, votes, ref budget);
        }

        bool? wanted = votes.Contains(false) ? false : votes.Count > 0 ? true : null;
        if (body.Member("chat_template_kwargs") is { } kwargs)
        {
            foreach ((string name, RequestValue value) in kwargs.Members())
            {
                variables[name] = value.Element;
                wanted = Switches.Contains(name) && value.Kind is JsonValueKind.True or JsonValueKind.False ? value.AsBool() : wanted;
            }
        }

        return new Thinking(wanted, budget, variables);
    }

    private static void ReadReasoning(RequestValue reasoning, List<bool> votes, ref int? budget)
    {
        if (reasoning.Member("enabled") is { } enabled)
        {
            votes.Add(enabled.AsBool());
        }

        if (reasoning.Member("effort") is { } effort)
        {
            votes.Add(ReadEffort(effort));
        }

        if (reasoning.Member("max_tokens") is { } most)
        {
            budget = most.AsInt(0);
            votes.Add(budget > 0);
        }
    }

    // Models that know only on and off think least where they do not think.
    private static bool ReadEffort(RequestValue value) =>
        value.AsOneOf("none", "minimal", "low", "medium", "high", "xhigh", "max") is not ("none" or "minimal");
}
