using CpuMoe.Server.Errors;

namespace CpuMoe.Server.Hosting;

/// <summary>An endpoint.</summary>
/// <param name="Pattern">The path, as in ASP.NET routing.</param>
/// <param name="Method">GET (which includes HEAD) or POST.</param>
/// <param name="Errors">How its protocol tells errors.</param>
/// <param name="Handler">Answers; what it throws becomes an error of the protocol.</param>
internal sealed record ApiRoute(string Pattern, string Method, ErrorShape Errors, Func<ApiCall, Task> Handler)
{
    /// <summary>Whether it needs no key and answers while the server shuts down.</summary>
    public bool IsPublic { get; init; }

    /// <summary>The methods as the header Allow names them.</summary>
    public string AllowedMethods => Method == "GET" ? "GET, HEAD, OPTIONS" : $"{Method}, OPTIONS";
}
