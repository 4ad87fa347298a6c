using System.Globalization;

namespace CpuMoe.Experts;

/// <summary>The memory budget is too small for what was asked.</summary>
public sealed class MemoryBudgetException : Exception
{
    internal MemoryBudgetException(string what, long smallest)
        : base(string.Create(CultureInfo.InvariantCulture, $"{what}; the smallest memory budget that works is {Math.Ceiling(smallest / (double)(1 << 20)):F0} MiB."))
    {
        SmallestBudget = smallest;
    }

    /// <summary>The smallest budget that would have worked, in bytes.</summary>
    public long SmallestBudget { get; }
}
