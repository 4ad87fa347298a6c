using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text.RegularExpressions;

namespace CpuMoe.Cli.Downloads;

/// <summary>
/// Requests to the hub and to the servers it sends us on to. Redirects are followed here and not by the handler because
/// the token must reach the hub only. Proxies come from the variables HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY,
/// which the handler reads.
/// </summary>
internal sealed partial class HubHttp : IDisposable
{
    private const int MostRedirects = 10;

    private readonly PullSettings _settings;
    private readonly Uri _hub;
    private readonly HttpClient _client;

    public HubHttp(PullSettings settings)
    {
        _settings = settings;
        _hub = new Uri(settings.Endpoint);
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = settings.StallTimeout })
        {
            Timeout = Timeout.InfiniteTimeSpan, // a range may take hours; silence is what ends it
        };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("cpumoe", typeof(HubHttp).Assembly.GetName().Version!.ToString(3)));
    }

    /// <summary>Asks for a resource; the answer is 200 or 206 and no web page.</summary>
    /// <param name="address">On the hub.</param>
    /// <param name="subject">What is asked for, for messages.</param>
    /// <param name="range">The bytes asked for; null: all.</param>
    /// <param name="cancellation">Ends the wait for the answer.</param>
    /// <exception cref="TransferException">It may work later.</exception>
    /// <exception cref="CliException">It will not work.</exception>
    public async Task<HttpResponseMessage> GetAsync(Uri address, string subject, RangeHeaderValue? range, CancellationToken cancellation)
    {
        for (int hop = 0; hop <= MostRedirects; hop++)
        {
            HttpResponseMessage response = await SendAsync(address, range, cancellation);
            try
            {
                if (RedirectOf(response, address) is not { } next)
                {
                    Check(response, address, subject);
                    HttpResponseMessage good = response;
                    response = null!;
                    return good;
                }

                address = next;
            }
            finally
            {
                response?.Dispose();
            }
        }

        throw new CliException($"{subject}: {_hub.Host} redirects in circles");
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<HttpResponseMessage> SendAsync(Uri address, RangeHeaderValue? range, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, address);
        request.Headers.Range = range;
        if (_settings.Token is { } token && IsHub(address))
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(_settings.StallTimeout);
        try
        {
            return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TransferException(string.Create(CultureInfo.InvariantCulture, $"{address.Host} did not answer within {_settings.StallTimeout.TotalSeconds:G3} s"));
        }
        catch (HttpRequestException fault) when (fault.InnerException is AuthenticationException)
        {
            throw new CliException($"no secure connection to {address.Host}: {fault.InnerException.Message}");
        }
        catch (HttpRequestException fault)
        {
            throw new TransferException($"no connection to {address.Host}: {fault.Message}");
        }
    }

    private bool IsHub(Uri address) => address.Scheme == _hub.Scheme && address.Host == _hub.Host && address.Port == _hub.Port;

    private static Uri? RedirectOf(HttpResponseMessage response, Uri address)
    {
        if (response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
            or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect))
        {
            return null;
        }

        Uri? target = response.Headers.Location is { } location && Uri.TryCreate(address, location, out Uri? absolute) ? absolute : null;
        return target is { Scheme: "https" } || (target is { Scheme: "http" } && address.Scheme == "http") ? target
            : throw new CliException($"{address.Host} redirects to an address that is none, or from https to http");
    }

    private void Check(HttpResponseMessage response, Uri address, string subject)
    {
        HttpStatusCode status = response.StatusCode;
        string answer = $"{address.Host} answered {(int)status} {status}";
        if (status is HttpStatusCode.OK or HttpStatusCode.PartialContent)
        {
            if (response.Content.Headers.ContentType?.MediaType is "text/html")
            {
                throw new CliException($"{subject}: {address.Host} answered with a web page instead; is there a proxy or a login page in between?");
            }

            return;
        }

        // The servers behind the hub refuse addresses that have expired; the next attempt gets a new one from the hub.
        if (status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout || (int)status >= 500
            || (!IsHub(address) && status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.Gone))
        {
            throw new TransferException(answer, AskedWait(response));
        }

        throw new CliException(status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when _settings.Token is null =>
                $"{subject}: {answer}: the name is wrong, or the model is private or gated and needs the token of a user who may read it in HF_TOKEN",
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                $"{subject}: {answer}: the user of HF_TOKEN may not read it; of a gated model the conditions must be accepted on its page first",
            HttpStatusCode.NotFound => $"{subject}: not found; check the name and the revision",
            HttpStatusCode.RequestedRangeNotSatisfiable => $"{subject}: {answer}: the file is smaller there than the repository says",
            _ => $"{subject}: {answer}",
        });
    }

    // Retry-After, or the hub's own: RateLimit: "resolvers";r=0;t=123 (https://huggingface.co/docs/hub/rate-limits).
    private static TimeSpan? AskedWait(HttpResponseMessage response)
    {
        TimeSpan? wait = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - DateTimeOffset.UtcNow,
            _ => response.StatusCode is HttpStatusCode.TooManyRequests && response.Headers.TryGetValues("RateLimit", out IEnumerable<string>? limits)
                && ResetPattern().Match(string.Join(';', limits)) is { Success: true } reset
                ? TimeSpan.FromSeconds(int.Parse(reset.Groups[1].ValueSpan, CultureInfo.InvariantCulture)) : null,
        };
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    [GeneratedRegex(@";\s*t=([0-9]{1,6})\b")]
    private static partial Regex ResetPattern();
}
