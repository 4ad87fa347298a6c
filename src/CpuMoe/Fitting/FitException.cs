namespace CpuMoe.Fitting;

/// <summary>A description of a machine or model that cannot be used.</summary>
/// <param name="message">What is wrong, where, and what to do.</param>
/// <param name="inner">The cause.</param>
public sealed class FitException(string message, Exception? inner = null) : Exception(message, inner);
