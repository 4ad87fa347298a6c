namespace CpuMoe.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCodes
{
    /// <summary>All went well.</summary>
    public const int Success = 0;

    /// <summary>A file, a model or the machine did not play along.</summary>
    public const int Failure = 1;

    /// <summary>The arguments are wrong, as far as they tell by themselves.</summary>
    public const int Usage = 2;

    /// <summary>Ended by Ctrl-C: 128 + SIGINT, as shells expect.</summary>
    public const int Interrupted = 130;
}
