using System.Diagnostics.CodeAnalysis;

namespace CpuMoe.Experts;

/// <summary>How much memory a model may keep resident: a size, what the machine has to give, or all that it wants.</summary>
public readonly record struct MemoryBudget
{
    private const long AutoMark = 0;
    private const long UnlimitedMark = long.MaxValue;

    private readonly long _bytes;

    private MemoryBudget(long bytes) => _bytes = bytes;

    /// <summary>What this process may use now, less a reserve; see <see cref="MemoryLimits.AutoBudget"/>. The default value.</summary>
    public static MemoryBudget Auto => new(AutoMark);

    /// <summary>No bound: the system pages.</summary>
    public static MemoryBudget Unlimited => new(UnlimitedMark);

    /// <summary>Whether the budget is what the machine has to give.</summary>
    public bool IsAuto => _bytes == AutoMark;

    /// <summary>Whether there is no bound.</summary>
    public bool IsUnlimited => _bytes == UnlimitedMark;

    /// <summary>What a budget must look like, for faults.</summary>
    public static string Form => $"{MemorySize.Form}, auto or unlimited";

    /// <summary>A budget of a size.</summary>
    /// <param name="bytes">1 or more.</param>
    public static MemoryBudget Of(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        return new MemoryBudget(bytes);
    }

    /// <summary>Reads a size, <c>auto</c> or <c>unlimited</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out MemoryBudget budget)
    {
        bool isSize = MemorySize.TryParse(text, out long bytes);
        budget = text switch
        {
            "auto" => Auto,
            "unlimited" => Unlimited,
            _ => new MemoryBudget(bytes),
        };
        return isSize || text is "auto" or "unlimited";
    }

    /// <summary>The budget in bytes; <see cref="long.MaxValue"/> where there is no bound.</summary>
    public long Resolve() => IsAuto ? MemoryLimits.Read().AutoBudget : _bytes;

    /// <summary>The budget as it is written on the command line.</summary>
    public override string ToString() => IsAuto ? "auto" : IsUnlimited ? "unlimited" : MemorySize.RoundUp(_bytes);
}
