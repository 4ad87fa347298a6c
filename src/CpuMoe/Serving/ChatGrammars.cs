using CpuMoe.Chat;
using CpuMoe.Grammars;
using CpuMoe.Grammars.Masks;

namespace CpuMoe.Serving;

/// <summary>Makes the grammars of replies and keeps the last ones: a grammar is the faster the longer it is in use. Safe for concurrent use.</summary>
internal sealed class ChatGrammars
{
    private const int Capacity = 16;

    private readonly RecentlyUsed<Key, Grammar> _known = new(Capacity, EqualityComparer<Key>.Default);
    private readonly Lock _lock = new();

    /// <summary>What the reply to a request must be; null where it may be anything.</summary>
    /// <param name="request">The request.</param>
    /// <param name="tools">The tools that it may call.</param>
    /// <param name="format">How calls are written; null only where there are no tools.</param>
    /// <param name="thought">What comes before the answer.</param>
    /// <exception cref="GrammarException">The schema of a tool cannot be enforced.</exception>
    public Grammar? Of(ChatRequest request, IReadOnlyList<ToolDefinition> tools, ToolCallFormat? format, Thought thought)
    {
        Grammar? answer = request.ToolMode == ToolMode.Required ? null : request.AnswerGrammar;
        if (answer is null && request.ToolMode != ToolMode.Required)
        {
            return null; // Calls are free then, too: the parser tells them from text.
        }

        bool isSeveral = request.AllowParallelToolCalls;
        Key key = new(string.Join('\0', tools.Select(tool => $"{tool.Name}\0{tool.Parameters}")), answer, isSeveral, thought);
        lock (_lock)
        {
            if (_known.TryGet(key, out Grammar? grammar))
            {
                return grammar;
            }

            grammar = (tools.Count > 0 ? ToolCallGrammar.Create(tools, format!.Value, isSeveral, orAnswer: answer) : answer!).AsAnswer(thought);
            _known.Add(key, grammar);
            return grammar;
        }
    }

    private sealed record Key(string Tools, Grammar? Answer, bool IsSeveral, Thought Thought);
}
