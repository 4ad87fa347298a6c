namespace CpuMoe.Experts;

/// <summary>A recorded trace of expert use; see <c>ExpertTraceFormat</c> for the file.</summary>
public sealed class ExpertTrace
{
    private readonly ushort[] _experts;
    private readonly ExpertRequest[] _requests;
    private readonly ExpertPass[] _passes;

    internal ExpertTrace(int expertCount, int expertsUsed, ExpertTraceLayer[] layers, ExpertPass[] passes, ExpertRequest[] requests, ushort[] experts)
    {
        ExpertCount = expertCount;
        ExpertsUsed = expertsUsed;
        Layers = layers;
        _passes = passes;
        _requests = requests;
        _experts = experts;
    }

    /// <summary>Experts per layer.</summary>
    public int ExpertCount { get; }

    /// <summary>Experts per token.</summary>
    public int ExpertsUsed { get; }

    /// <summary>The layers that have experts.</summary>
    public IReadOnlyList<ExpertTraceLayer> Layers { get; }

    /// <summary>All experts of all layers.</summary>
    public int TotalExperts => Layers.Count * ExpertCount;

    /// <summary>The passes in the order in which they ran.</summary>
    internal ReadOnlySpan<ExpertPass> Passes => _passes;

    /// <summary>The experts asked for over all requests.</summary>
    internal int AccessCount => _experts.Length;

    /// <summary>Reads a file.</summary>
    /// <exception cref="ExpertTraceException">It is no trace, damaged or too large.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static ExpertTrace Read(string path)
    {
        using FileStream stream = File.OpenRead(path);
        long length = stream.Length;
        if (length > ExpertTraceFormat.MaxFileBytes)
        {
            throw new ExpertTraceException($"{length} bytes are more than the {ExpertTraceFormat.MaxFileBytes} that are analysed; record fewer tokens", path, 0, "file");
        }

        byte[] bytes = new byte[length];
        int read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return Parse(bytes.AsSpan(0, read), path);
    }

    /// <summary>Reads the bytes of a file, which is named in faults.</summary>
    internal static ExpertTrace Parse(ReadOnlySpan<byte> bytes, string? file = null) => new ExpertTraceParser(bytes, file).Parse();

    /// <summary>The requests of a pass, in ascending order of their layers.</summary>
    internal ReadOnlySpan<ExpertRequest> RequestsOf(ExpertPass pass) => _requests.AsSpan(pass.FirstRequest, pass.RequestCount);

    /// <summary>The experts of a request, ascending.</summary>
    internal ReadOnlySpan<ushort> ExpertsOf(ExpertRequest request) => _experts.AsSpan(request.FirstExpert, request.ExpertCount);
}

/// <summary>A pass over the model.</summary>
/// <param name="Kind">What it was for.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="FirstRequest">Its first request.</param>
/// <param name="RequestCount">Its requests: one per layer, fewer if it was cancelled.</param>
internal readonly record struct ExpertPass(ExpertPassKind Kind, int Tokens, int FirstRequest, int RequestCount);

/// <summary>What one layer of one pass asked for.</summary>
/// <param name="Layer">Index among the layers that have experts.</param>
/// <param name="FirstExpert">Where its experts begin.</param>
/// <param name="ExpertCount">How many there are.</param>
internal readonly record struct ExpertRequest(int Layer, int FirstExpert, int ExpertCount);
