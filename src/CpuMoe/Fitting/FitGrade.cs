namespace CpuMoe.Fitting;

/// <summary>How well a model runs, best last.</summary>
public enum FitGrade
{
    /// <summary>Slower than all others, or not at all.</summary>
    F,

    /// <summary>For work that may take its time.</summary>
    C,

    /// <summary>Slower than one reads.</summary>
    B,

    /// <summary>As fast as one reads.</summary>
    A,

    /// <summary>Twice as fast as one reads.</summary>
    S,

    /// <summary>Fast enough for long thoughts and agents.</summary>
    SS,
}

/// <summary>What a grade asks for.</summary>
/// <remarks>
/// A grade rests on 5 tokens per second: adults read 238 words of English per minute (Brysbaert, "How many words do we
/// read per minute?", 2019), which are about 5.3 tokens per second.
/// </remarks>
/// <param name="Grade">The grade.</param>
/// <param name="Decode">Tokens generated per second, at least.</param>
/// <param name="Prefill">Prompt tokens per second, at least.</param>
public sealed record GradeThreshold(FitGrade Grade, double Decode, double Prefill)
{
    /// <summary>All grades but the last, best first.</summary>
    public static IReadOnlyList<GradeThreshold> All { get; } =
        [new(FitGrade.SS, 20, 100), new(FitGrade.S, 10, 50), new(FitGrade.A, 5, 25), new(FitGrade.B, 2.5, 10), new(FitGrade.C, 1, 4)];

    /// <summary>The grade of a pair of speeds, of which the worse counts.</summary>
    /// <param name="decode">Tokens generated per second; 0 where the model does not run.</param>
    /// <param name="prefill">Prompt tokens per second.</param>
    public static FitGrade Of(double decode, double prefill) =>
        All.FirstOrDefault(threshold => decode >= threshold.Decode && prefill >= threshold.Prefill)?.Grade ?? FitGrade.F;
}
