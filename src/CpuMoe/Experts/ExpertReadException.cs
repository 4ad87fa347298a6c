namespace CpuMoe.Experts;

/// <summary>Weights of a paged model could not be read from the disk. The request fails; the model remains usable.</summary>
public sealed class ExpertReadException : IOException
{
    /// <param name="what">What was being read, with file and offset.</param>
    /// <param name="cause">What the system said; null where the file is shorter than it was.</param>
    internal ExpertReadException(string what, Exception? cause)
        : base(
            cause is null
                ? $"{what}: the file is shorter than when the model was loaded. Restore the file, then load the model again."
                : $"{what}: {cause.Message} Try again; if it persists, check the disk.",
            cause)
    {
    }
}
