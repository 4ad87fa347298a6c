namespace CpuMoe.Generation;

/// <summary>Why a generation ended. Where several apply to one token, the first of this list counts.</summary>
public enum FinishReason
{
    /// <summary>It goes on.</summary>
    None,

    /// <summary>An end-of-generation token, a stop string, or a text that is complete by its grammar and cannot go on.</summary>
    Stop,

    /// <summary>The token limit of the request.</summary>
    Length,

    /// <summary>The context is full: prompt and generated tokens together are <see cref="Session.ContextLength"/> tokens.</summary>
    Context,
}
