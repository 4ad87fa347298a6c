using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace CpuMoe.Server.Hosting;

/// <summary>Compares the keys of requests with those that are allowed, in a time that tells nothing about them.</summary>
internal sealed class ApiKeys
{
    private const string Bearer = "Bearer ";

    private readonly byte[][] _hashes;

    /// <summary>Creates the list; an empty one allows everybody.</summary>
    public ApiKeys(IEnumerable<string> keys) => _hashes = [.. keys.Select(Hash)];

    /// <summary>Whether a request has one of the keys, as <c>Authorization: Bearer</c> or <c>x-api-key</c>, or needs none.</summary>
    public bool Allow(HttpRequest request)
    {
        if (_hashes.Length == 0)
        {
            return true;
        }

        bool isKnown = false;
        if (request.Headers.Authorization is [{ } authorization] && authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            isKnown |= IsKnown(authorization[Bearer.Length..].Trim());
        }

        if (request.Headers.TryGetValue("x-api-key", out StringValues key) && key is [{ } text])
        {
            isKnown |= IsKnown(text);
        }

        return isKnown;
    }

    // Of equal length whatever the keys are, and all are looked at.
    private bool IsKnown(string key)
    {
        byte[] hash = Hash(key);
        bool isKnown = false;
        foreach (byte[] known in _hashes)
        {
            isKnown |= CryptographicOperations.FixedTimeEquals(hash, known);
        }

        return isKnown;
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
