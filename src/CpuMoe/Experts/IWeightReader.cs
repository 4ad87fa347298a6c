namespace CpuMoe.Experts;

/// <summary>Reads ranges of a model's files: from the disk, or in tests from memory or with faults.</summary>
/// <remarks>Called by several threads at a time.</remarks>
internal unsafe interface IWeightReader : IDisposable
{
    /// <summary>How bytes come from the disk, for people: <c>direct</c> or <c>buffered</c>.</summary>
    string Mode { get; }

    /// <summary>Reads up to <paramref name="length"/> bytes.</summary>
    /// <param name="part">The part of the model.</param>
    /// <param name="offset">Where in the part: a multiple of <see cref="ReadJob.Alignment"/>.</param>
    /// <param name="target">Where to: an address that is a multiple of <see cref="ReadJob.Alignment"/>.</param>
    /// <param name="length">A multiple of <see cref="ReadJob.Alignment"/>.</param>
    /// <returns>The bytes read; fewer than asked at the end of the part, or whenever the system likes.</returns>
    /// <exception cref="IOException">The system refused.</exception>
    int Read(int part, long offset, byte* target, int length);

    /// <summary>The path of a part, for messages.</summary>
    string PathOf(int part);
}
