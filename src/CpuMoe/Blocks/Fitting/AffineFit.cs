using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks.Fitting;

/// <summary>Finds scales s and offsets o so that s * q + o, q being whole numbers from 0 on, is near the values of a group.</summary>
/// <remarks>
/// For given codes q the sum of (x - s q - o)² is least where its derivatives vanish, which is the regression line of x
/// on q; it is then the sum of x² less s (sum of x q) + o (sum of x). The codes in turn follow from a line by rounding.
/// The search rounds with a number of lines through the least value of the group, whose slopes differ by up to a code at
/// the largest, keeps the codes that explain most, and lets line and codes improve each other in turns.
/// </remarks>
internal static unsafe class AffineFit
{
    // Steps of a tenth of a code to either side of the highest code.
    private const int Steps = 9;
    private const float Step = 0.1f;
    private const int Turns = 2;

    /// <summary>Fits eight groups.</summary>
    /// <param name="tile">The groups, see <see cref="Lanes.Load"/>.</param>
    /// <param name="length">Values per group.</param>
    /// <param name="highest">The highest code.</param>
    /// <param name="allowPositiveOffsets">Whether offsets may be above zero.</param>
    /// <returns>The scale, 0 or more, and the offset of each group.</returns>
    [SkipLocalsInit]
    public static (Vector256<float> Scales, Vector256<float> Offsets) Lines(Vector256<float>* tile, int length, int highest, bool allowPositiveOffsets)
    {
        Vector256<float> least = tile[0];
        Vector256<float> most = tile[0];
        Vector256<float> sum = tile[0];
        for (int i = 1; i < length; i++)
        {
            least = Vector256.MinNative(least, tile[i]);
            most = Vector256.MaxNative(most, tile[i]);
            sum += tile[i];
        }

        Group group = new(tile, length, highest, allowPositiveOffsets, sum);
        least = group.Limit(least);
        Vector256<float> perRange = Lanes.Divide(Vector256<float>.One, most - least);

        // Without a scale the best offset is the mean.
        Vector256<float> mean = group.Limit(sum / length);
        Line best = new(Vector256<float>.Zero, mean, mean * sum);
        for (int step = -Steps; step <= Steps; step++)
        {
            best = Line.Better(best, group.Fit(Vector256.Create(highest + (Step * step)) * perRange, least));
        }

        for (int turn = 0; turn < Turns; turn++)
        {
            best = Line.Better(best, group.Fit(Lanes.Divide(Vector256<float>.One, best.Scale), best.Offset));
        }

        return (best.Scale, best.Offset);
    }

    /// <summary>Lines and how much of the sum of squares each explains.</summary>
    private readonly struct Line(Vector256<float> scale, Vector256<float> offset, Vector256<float> explained)
    {
        public readonly Vector256<float> Scale = scale;
        public readonly Vector256<float> Offset = offset;
        private readonly Vector256<float> _explained = explained;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Line Better(in Line one, in Line other)
        {
            Vector256<float> isBetter = Vector256.GreaterThan(other._explained, one._explained);
            return new Line(
                Vector256.ConditionalSelect(isBetter, other.Scale, one.Scale),
                Vector256.ConditionalSelect(isBetter, other.Offset, one.Offset),
                Vector256.ConditionalSelect(isBetter, other._explained, one._explained));
        }
    }

    private readonly struct Group(Vector256<float>* tile, int length, int highest, bool allowPositiveOffsets, Vector256<float> sum)
    {
        /// <summary>The offset itself, or zero where it is above and must not be.</summary>
        public Vector256<float> Limit(Vector256<float> offset) => allowPositiveOffsets ? offset : Vector256.MinNative(offset, Vector256<float>.Zero);

        /// <summary>The best line for the codes that another line gives.</summary>
        /// <param name="inverse">One by the scale of the other line.</param>
        /// <param name="offset">Its offset.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Line Fit(Vector256<float> inverse, Vector256<float> offset)
        {
            Vector256<float> high = Vector256.Create((float)highest);
            Vector256<float> codes = Vector256<float>.Zero;
            Vector256<float> squares = Vector256<float>.Zero;
            Vector256<float> products = Vector256<float>.Zero;
            for (int i = 0; i < length; i++)
            {
                Vector256<float> x = tile[i];
                Vector256<float> code = Lanes.Code((x - offset) * inverse, Vector256<float>.Zero, high);
                codes += code;
                squares += code * code;
                products += x * code;
            }

            // The sums of codes are whole numbers and exact; so the determinant is zero where all codes are equal.
            Vector256<float> count = Vector256.Create((float)length);
            Vector256<float> determinant = (count * squares) - (codes * codes);
            Vector256<float> scale = Lanes.Divide((count * products) - (sum * codes), determinant);
            Vector256<float> newOffset = (sum - (scale * codes)) / count;
            if (!allowPositiveOffsets)
            {
                Vector256<float> isPositive = Vector256.GreaterThan(newOffset, Vector256<float>.Zero);
                scale = Vector256.ConditionalSelect(isPositive, Lanes.Divide(products, squares), scale);
                newOffset = Vector256.MinNative(newOffset, Vector256<float>.Zero);
            }

            return new Line(scale, newOffset, (scale * products) + (newOffset * sum));
        }
    }
}
