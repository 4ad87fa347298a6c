using System.Security.Cryptography;

namespace CpuMoe.Server.Hosting;

/// <summary>Ids that occur only once.</summary>
internal static class RandomId
{
    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int Length = 24;

    /// <summary>A prefix such as <c>chatcmpl-</c> and 24 random letters and digits.</summary>
    public static string Create(string prefix) => prefix + RandomNumberGenerator.GetString(Base62, Length);
}
