using System.Collections.Concurrent;
using System.Diagnostics;

namespace CpuMoe.ServerLoad;

/// <summary>Many streams at once: each asks, reads its reply to the end, compares it with what the same prompt gave alone, and asks again.</summary>
/// <param name="client">The server.</param>
/// <param name="alone">What each prompt gives alone.</param>
internal sealed class StreamLoad(ChatClient client, IReadOnlyDictionary<string, StreamedReply> alone)
{
    private readonly string[] _prompts = [.. alone.Keys];
    private readonly ConcurrentBag<StreamedReply> _replies = [];
    private readonly ConcurrentQueue<string> _faults = [];
    private int _lost;
    private int _corrupted;

    /// <summary>Asks for the reply to each prompt, one after the other.</summary>
    public static async Task<Dictionary<string, StreamedReply>> AloneAsync(ChatClient client, int prompts, int tokens)
    {
        Dictionary<string, StreamedReply> replies = [];
        foreach (string prompt in Enumerable.Range(0, prompts).Select(LoadPrompts.Short))
        {
            replies[prompt] = await client.StreamAsync(prompt, tokens);
        }

        return replies;
    }

    /// <summary>Keeps <paramref name="streams"/> streams going for <paramref name="time"/> and lets them finish.</summary>
    public async Task<LoadResult> RunAsync(int streams, TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, streams).Select(stream => Task.Run(() => RepeatAsync(stream, start, time))));
        return new LoadResult([.. _replies], _lost, _corrupted, [.. _faults], Stopwatch.GetElapsedTime(start));
    }

    private async Task RepeatAsync(int stream, long start, TimeSpan time)
    {
        Random random = new(stream);
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            string prompt = _prompts[random.Next(_prompts.Length)];
            try
            {
                StreamedReply reply = await client.StreamAsync(prompt, alone[prompt].Tokens);
                _replies.Add(reply);
                if (reply.Text != alone[prompt].Text)
                {
                    Interlocked.Increment(ref _corrupted);
                    _faults.Enqueue($"'{reply.Text}' instead of '{alone[prompt].Text}'");
                }
            }
            catch (Exception fault) when (fault is HttpRequestException or InvalidDataException or IOException or OperationCanceledException)
            {
                Interlocked.Increment(ref _lost);
                _faults.Enqueue(fault.Message);
            }
        }
    }
}

/// <summary>What came of a load.</summary>
/// <param name="Replies">Those that came to their end.</param>
/// <param name="Lost">How many did not.</param>
/// <param name="Corrupted">How many were not what their prompt gave alone.</param>
/// <param name="Faults">What was wrong with these.</param>
/// <param name="Time">Until the last one ended.</param>
internal sealed record LoadResult(IReadOnlyList<StreamedReply> Replies, int Lost, int Corrupted, IReadOnlyList<string> Faults, TimeSpan Time)
{
    /// <summary>Tokens of all replies in a second.</summary>
    public double TokensPerSecond => Replies.Sum(reply => (double)reply.Tokens) / Time.TotalSeconds;

    /// <summary>The time to the first token that a part of the replies did not exceed.</summary>
    /// <param name="part">The part, from 0 to 1.</param>
    public TimeSpan FirstToken(double part)
    {
        TimeSpan[] times = [.. Replies.Select(reply => reply.FirstToken).Order()];
        return times.Length == 0 ? TimeSpan.Zero : times[Math.Min((int)(part * times.Length), times.Length - 1)];
    }
}
