namespace CpuMoe.Chat;

/// <summary>Who speaks.</summary>
public enum ChatRole
{
    /// <summary>Instructions for the whole conversation.</summary>
    System,

    /// <summary>The user.</summary>
    User,

    /// <summary>The model.</summary>
    Assistant,

    /// <summary>The result of a tool call.</summary>
    Tool,
}
