using System.Runtime.CompilerServices;

namespace CpuMoe.Chat.Templates;

/// <summary>Counts what a rendering uses, and ends it where that is more than it may.</summary>
internal sealed class RenderBudget(TemplateLimits limits)
{
    /// <summary>At least what an object with a text, a list or a number takes beside its contents.</summary>
    private const int ObjectSize = 64;

    /// <summary>At least what a list takes for an element, with room to grow.</summary>
    private const int EntrySize = 16;

    private long _steps;
    private long _memory;
    private int _depth;

    /// <summary>The node in evaluation, for faults.</summary>
    public SourcePosition Position { get; set; }

    /// <summary>The longest output.</summary>
    public int OutputLength => limits.OutputLength;

    /// <summary>A fault of the node in evaluation.</summary>
    public ChatTemplateException Fault(string problem) => new(problem, Position);

    /// <summary>Begins a node.</summary>
    public void Enter(SourcePosition position)
    {
        Position = position;
        Step();
        if (++_depth > limits.Depth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Fault($"the template is nested deeper than {limits.Depth} levels, by a macro or a value that holds itself");
        }
    }

    /// <summary>Ends a node.</summary>
    public void Leave() => _depth--;

    /// <summary>Counts a step.</summary>
    public void Step(long count = 1)
    {
        _steps += count;
        if (_steps > limits.Steps)
        {
            throw Fault($"the template takes more than {limits.Steps} steps");
        }
    }

    /// <summary>Counts the search of a text for another one.</summary>
    public void Scan(int length, int pattern = 1) => Step(length * (pattern + 8L) / 256);

    /// <summary>Counts the search for a key.</summary>
    public void Hash(Value key) => Scan((key as TextValue)?.Text.Length ?? 0);

    /// <summary>Counts a new text.</summary>
    public void AllocateText(long length) => Allocate((2 * length) + ObjectSize);

    /// <summary>Counts characters added to a text in the making.</summary>
    public void AllocateCharacters(long count) => Allocate(2 * count);

    /// <summary>Counts a list of values that exist already, or a single object.</summary>
    public void AllocateEntries(long count) => Allocate((count * EntrySize) + ObjectSize);

    /// <summary>Counts new objects in a list or a map.</summary>
    public void AllocateObjects(long count) => Allocate(count * (ObjectSize + EntrySize));

    private void Allocate(long bytes)
    {
        _memory += bytes;
        if (_memory > limits.Memory)
        {
            throw Fault($"the template makes more than {limits.Memory >> 20} MiB of texts and lists");
        }
    }
}
