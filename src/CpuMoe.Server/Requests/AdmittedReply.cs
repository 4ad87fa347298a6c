using CpuMoe.Generation;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Hosting;
using CpuMoe.Serving;

namespace CpuMoe.Server.Requests;

/// <summary>A reply in the making that the metrics know of. Enumerate it once; disposing it stops the work.</summary>
internal sealed class AdmittedReply : IAsyncEnumerable<ChatUpdate>, IAsyncDisposable
{
    private readonly ApiCall _call;
    private readonly ChatReply _reply;

    private AdmittedReply(ApiCall call, ChatReply reply) => (_call, _reply) = (call, reply);

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens => _reply.PromptTokens;

    /// <summary>Submits a request; what can be refused is refused here.</summary>
    /// <exception cref="ApiException">An option that the engine does not accept.</exception>
    /// <exception cref="Exception">Those of <see cref="ChatEngine.Submit"/>, which the pipeline tells.</exception>
    public static AdmittedReply Submit(ApiCall call, ServedModel model, ChatRequest request)
    {
        try
        {
            GenerationOptions generation = request.Generation with { Client = call.Http.Connection.Id };
            return new AdmittedReply(call, model.Engine.Submit(request with { Generation = generation }, call.Aborted));
        }
        catch (ArgumentException fault)
        {
            throw Refusal(fault);
        }
    }

    /// <summary>Submits requests that differ in the seed only.</summary>
    /// <exception cref="Exception">Those of <see cref="Submit"/>; none is left running then.</exception>
    public static async Task<AdmittedReply[]> SubmitAsync(ApiCall call, ServedModel model, ChatRequest request, int count)
    {
        List<AdmittedReply> replies = [];
        try
        {
            for (int i = 0; i < count; i++)
            {
                ulong? seed = request.Generation.Sampling.Seed + (ulong)i;
                replies.Add(Submit(call, model, request with { Generation = request.Generation with { Sampling = request.Generation.Sampling with { Seed = seed } } }));
            }

            return [.. replies];
        }
        catch
        {
            await DisposeAsync(replies);
            throw;
        }
    }

    /// <summary>Stops the work of all.</summary>
    public static async Task DisposeAsync(IEnumerable<IAsyncDisposable> replies)
    {
        foreach (IAsyncDisposable reply in replies)
        {
            await reply.DisposeAsync();
        }
    }

    /// <summary>What a client is told of an argument that the engine does not accept.</summary>
    public static ApiException Refusal(ArgumentException fault) =>
        new(new ApiError(ApiErrorKind.InvalidRequest, fault.ParamName is { } name ? fault.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : fault.Message), fault);

    /// <inheritdoc/>
    public async IAsyncEnumerator<ChatUpdate> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        await foreach (ChatUpdate update in _reply.WithCancellation(cancellationToken))
        {
            if (update.Finish is { } finish)
            {
                _call.Server.Metrics.ReplyComplete(finish.Timings);
            }

            yield return update;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _reply.DisposeAsync();
}
