namespace CpuMoe.Blocks.Fitting;

/// <summary>Undoes what least squares takes from the length of a block.</summary>
/// <remarks>
/// The error of y, the least-squares fit of x by scaled codes, is orthogonal to y (weights change little about it) and not to
/// x: x y = y² &lt; x². Products with activations like x come out smaller by that part (1 % with 3 bits, 7 % with 2), in every
/// row of every matrix alike, where other errors cancel out over a row. With scales times x² / (x y) none is lost, for a
/// squared error larger by the same part.
/// </remarks>
internal static class Attenuation
{
    // Beyond, the numbers are too small for halves, and no factor mends the block.
    private const double Largest = 1.25;

    /// <summary>The factor for the scales of a block whose codes stay as they are.</summary>
    /// <param name="squares">The sum of x².</param>
    /// <param name="products">The sum of x y.</param>
    public static float Gain(double squares, double products) => products > 0 ? (float)Math.Clamp(squares / products, 1 / Largest, Largest) : 1;
}
