namespace CpuMoe.Grammars;

/// <summary>What comes before the answer of a chat model.</summary>
public enum Thought
{
    /// <summary>Nothing: the prompt asks for the answer, or contains an empty thought already.</summary>
    None,

    /// <summary>A thought in <c>&lt;think&gt;…&lt;/think&gt;</c>, or none if the model prefers.</summary>
    Possible,

    /// <summary>The rest of a thought that the prompt has opened, up to <c>&lt;/think&gt;</c>.</summary>
    Open,
}
