using CpuMoe.Server.Requests;

namespace CpuMoe.Server.OpenAi;

/// <summary>How an answer is streamed.</summary>
/// <param name="IncludeUsage">Whether the last chunk tells the usage.</param>
internal sealed record StreamOptions(bool IncludeUsage)
{
    /// <summary>Reads <c>stream</c> and <c>stream_options</c>; null where nothing is to be streamed.</summary>
    public static StreamOptions? Read(RequestValue body)
    {
        bool includeUsage = body.Member("stream_options")?.Member("include_usage")?.AsBool() ?? false;
        return body.Member("stream")?.AsBool() ?? false ? new StreamOptions(includeUsage) : null;
    }
}
