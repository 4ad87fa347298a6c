using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace CpuMoe.Cli.Downloads;

/// <summary>What a repository holds at one commit.</summary>
internal sealed record RepositoryListing(string Commit, IReadOnlyList<RepositoryModel> Models);

/// <summary>The two requests to the hub: what is there, and bytes of a file.</summary>
/// <remarks>Source: https://huggingface.co/docs/hub/api and the requests of the huggingface_hub library.</remarks>
internal sealed partial class HubClient(PullSettings settings, PullMeter meter) : IDisposable
{
    private const int LargestListing = 32 << 20;
    private const long LargestFile = 1L << 44; // 16 TiB

    private readonly HubHttp _http = new(settings);

    /// <summary>The GGUF models of a repository at the commit that the revision means now.</summary>
    public async Task<RepositoryListing> ListAsync(ModelReference reference, CancellationToken cancellation)
    {
        // blobs: with sizes and hashes.
        Uri address = new($"{settings.Endpoint}/api/models/{reference.Owner}/{reference.Repository}/revision/{reference.EscapedRevision}?blobs=true");
        Retries retries = new(settings, settings.ListingAttempts, meter);
        while (true)
        {
            try
            {
                using HttpResponseMessage response = await _http.GetAsync(address, reference.Base, range: null, cancellation);
                return Read(await ReadBodyAsync(response, reference, cancellation), reference);
            }
            catch (TransferException fault)
            {
                await retries.WaitAsync(fault, cancellation);
            }
        }
    }

    /// <summary>
    /// Asks for bytes of a file. Always by way of the hub: it gives addresses on other servers that expire and may hold
    /// for the range asked for only.
    /// </summary>
    public Task<HttpResponseMessage> OpenAsync(ModelReference reference, string commit, RepositoryFile file, long start, long end, CancellationToken cancellation)
    {
        string path = string.Join('/', file.Path.Split('/').Select(Uri.EscapeDataString));
        Uri address = new($"{settings.Endpoint}/{reference.Owner}/{reference.Repository}/resolve/{commit}/{path}");
        return _http.GetAsync(address, file.Path, new RangeHeaderValue(start, end - 1), cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<byte[]> ReadBodyAsync(HttpResponseMessage response, ModelReference reference, CancellationToken cancellation)
    {
        using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(settings.StallTimeout);
        try
        {
            await response.Content.LoadIntoBufferAsync(LargestListing, silence.Token);
            return await response.Content.ReadAsByteArrayAsync(silence.Token);
        }
        catch (HttpRequestException fault) when (fault.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw Malformed(reference, $"it is larger than {LargestListing >> 20} MiB");
        }
        catch (Exception fault) when (fault is IOException or HttpRequestException)
        {
            throw new TransferException($"the list of files broke off: {fault.Message}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TransferException("the list of files stopped coming");
        }
    }

    private static RepositoryListing Read(byte[] body, ModelReference reference)
    {
        RepositoryAnswer? answer;
        try
        {
            answer = JsonSerializer.Deserialize(body, DownloadJson.Default.RepositoryAnswer);
        }
        catch (JsonException)
        {
            throw Malformed(reference, "it is not the JSON expected");
        }

        if (answer is not { Sha: { } commit, Siblings: { } entries } || !CommitPattern().IsMatch(commit))
        {
            throw Malformed(reference, "commit or files are missing");
        }

        RepositoryFile[] files = [.. entries.Where(IsGguf).Select(entry => ReadFile(entry!, reference))];
        if (files.DistinctBy(file => file.Path, StringComparer.OrdinalIgnoreCase).Count() < files.Length)
        {
            throw Malformed(reference, "a file occurs twice");
        }

        return new RepositoryListing(commit, RepositoryModel.Group(files));
    }

    private static bool IsGguf(RepositoryEntry? entry) => entry?.Rfilename?.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) == true;

    private static RepositoryFile ReadFile(RepositoryEntry entry, ModelReference reference)
    {
        string path = entry.Rfilename!;
        if (!RepositoryPath.IsSafe(path))
        {
            throw Malformed(reference, "it names a file outside of the repository or with characters that no file name should have");
        }

        // Git keeps GGUF files by way of LFS, whose object id is the SHA-256 of the content.
        if (entry.Lfs is not { Size: { } bytes, Sha256: { } hash } || !HashPattern().IsMatch(hash))
        {
            throw Malformed(reference, $"size or SHA-256 of {path} is missing");
        }

        return bytes is > 0 and <= LargestFile && (entry.Size ?? bytes) == bytes ? new RepositoryFile(path, bytes, hash)
            : throw Malformed(reference, $"the size of {path} cannot be right: {bytes} bytes");
    }

    private static CliException Malformed(ModelReference reference, string fault) =>
        new($"{reference.Base}: the server's list of files is not usable: {fault}");

    [GeneratedRegex(@"\A[0-9a-f]{40,64}\z")]
    private static partial Regex CommitPattern();

    [GeneratedRegex(@"\A[0-9a-f]{64}\z")]
    private static partial Regex HashPattern();
}
