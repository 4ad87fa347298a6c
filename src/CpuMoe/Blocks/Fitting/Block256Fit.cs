using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks.Fitting;

/// <summary>Writes a super-block of 256 values.</summary>
/// <remarks>
/// First every group gets the scale (and minimum) that suit it best by themselves. The largest of them set the scales of
/// the block. Then, in turns, the groups take the integer scales near their wish with the least error, and the scales
/// of the block become those that are best, by least squares, for the integers and codes. Errors are weighted as
/// <see cref="SymmetricFit"/> says, for formats with minima equally. The scales are stored with the gain that makes up
/// for their <see cref="Attenuation"/>.
/// </remarks>
/// <typeparam name="TFormat">The format.</typeparam>
internal static unsafe class Block256Fit<TFormat>
    where TFormat : struct, IWritableBlock256<TFormat>
{
    private const int Turns = 3;

    // Groups are fitted in eights: 8 of 32 values or twice 8 of 16.
    private static int Batches => 256 / TFormat.ValuesPerGroup / Lanes.Count;

    /// <summary>Writes one block.</summary>
    [SkipLocalsInit]
    public static void Quantize(float* values, byte* block)
    {
        Vector256<float>* tile = stackalloc Vector256<float>[256 / Lanes.Count];
        Vector256<float>* weights = stackalloc Vector256<float>[256 / Lanes.Count];
        GroupParameters* wishes = stackalloc GroupParameters[2];
        for (int batch = 0; batch < Batches; batch++)
        {
            Vector256<float>* groups = tile + (batch * TFormat.ValuesPerGroup);
            Lanes.Load(values + (batch * Lanes.Count * TFormat.ValuesPerGroup), TFormat.ValuesPerGroup, groups);
            wishes[batch] = Wish(groups, weights + (batch * TFormat.ValuesPerGroup));
        }

        (float scale, float minimumScale) = FirstScales(wishes);
        GroupParameters* best = stackalloc GroupParameters[2];
        GroupParameters* trial = stackalloc GroupParameters[2];
        Half bestScale = Half.Zero;
        Half bestMinimumScale = Half.Zero;
        double least = double.PositiveInfinity;
        for (int turn = 0; turn < Turns; turn++)
        {
            Half halfScale = HalfScale.Nearest(scale);
            Half halfMinimumScale = HalfScale.Nearest(minimumScale);
            double error = 0;
            for (int batch = 0; batch < Batches; batch++)
            {
                int first = batch * TFormat.ValuesPerGroup;
                (trial[batch], Vector256<float> errors) = Choose(tile + first, weights + first, wishes[batch], (float)halfScale, (float)halfMinimumScale);
                error += Lanes.Sum(errors);
            }

            if (!(error < least))
            {
                break;
            }

            least = error;
            (bestScale, bestMinimumScale) = (halfScale, halfMinimumScale);
            GroupParameters* previous = best;
            best = trial;
            trial = previous;
            if (!Refit(tile, weights, best, (float)bestScale, (float)bestMinimumScale, out scale, out minimumScale))
            {
                break;
            }
        }

        Write(tile, best, bestScale, bestMinimumScale, block);
    }

    /// <summary>What eight groups would have, could they have any numbers; also the weights of their values, if the format has any.</summary>
    private static GroupParameters Wish(Vector256<float>* groups, Vector256<float>* weights)
    {
        if (!TFormat.HasMinima)
        {
            SymmetricFit.Weigh(groups, TFormat.ValuesPerGroup, weights);
            return new GroupParameters(SymmetricFit.Scales(groups, weights, TFormat.ValuesPerGroup, TFormat.LowestCode, TFormat.HighestCode), Vector256<float>.Zero);
        }

        (Vector256<float> scales, Vector256<float> offsets) = AffineFit.Lines(groups, TFormat.ValuesPerGroup, TFormat.HighestCode, allowPositiveOffsets: false);
        return new GroupParameters(scales, -offsets);
    }

    /// <summary>The scales that take the largest wishes to the outermost integers.</summary>
    private static (float Scale, float MinimumScale) FirstScales(GroupParameters* wishes)
    {
        float scale = 0;
        float minimum = 0;
        for (int batch = 0; batch < Batches; batch++)
        {
            float extreme = Lanes.Extreme(wishes[batch].Scales);
            scale = MathF.Abs(extreme) > MathF.Abs(scale) ? extreme : scale;
            minimum = MathF.Max(minimum, Lanes.Extreme(wishes[batch].Minima));
        }

        return TFormat.HasMinima ? (scale / TFormat.HighestGroupScale, minimum / TFormat.HighestGroupMinimum) : (scale / TFormat.LowestGroupScale, 0);
    }

    /// <summary>The integer scales and minima of eight groups with the least error for scales of the block.</summary>
    private static (GroupParameters Parameters, Vector256<float> Errors) Choose(Vector256<float>* groups, Vector256<float>* weights, in GroupParameters wish, float scale, float minimumScale)
    {
        Vector256<float> nearScale = Vector256.Round(Lanes.Divide(wish.Scales, Vector256.Create(scale)));
        Vector256<float> nearMinimum = Vector256.Round(Lanes.Divide(wish.Minima, Vector256.Create(minimumScale)));
        GroupParameters best = default;
        Vector256<float> least = Vector256.Create(float.PositiveInfinity);
        int minimumSteps = TFormat.HasMinima ? 1 : 0;
        for (int scaleStep = -1; scaleStep <= 1; scaleStep++)
        {
            for (int minimumStep = -minimumSteps; minimumStep <= minimumSteps; minimumStep++)
            {
                GroupParameters candidate = new(
                    Vector256.Clamp(nearScale + Vector256.Create((float)scaleStep), Vector256.Create((float)TFormat.LowestGroupScale), Vector256.Create((float)TFormat.HighestGroupScale)),
                    Vector256.Clamp(nearMinimum + Vector256.Create((float)minimumStep), Vector256<float>.Zero, Vector256.Create((float)TFormat.HighestGroupMinimum)));
                Vector256<float> error = Error(groups, weights, candidate, scale, minimumScale);
                Vector256<float> isBetter = Vector256.LessThan(error, least);
                least = Vector256.ConditionalSelect(isBetter, error, least);
                best = new GroupParameters(
                    Vector256.ConditionalSelect(isBetter, candidate.Scales, best.Scales),
                    Vector256.ConditionalSelect(isBetter, candidate.Minima, best.Minima));
            }
        }

        return (best, least);
    }

    /// <summary>The weighted sum of the squared errors of each of eight groups.</summary>
    private static Vector256<float> Error(Vector256<float>* groups, Vector256<float>* weights, in GroupParameters parameters, float scale, float minimumScale)
    {
        Coder coder = new(parameters, scale, minimumScale);
        Vector256<float> sum = Vector256<float>.Zero;
        for (int i = 0; i < TFormat.ValuesPerGroup; i++)
        {
            Vector256<float> shifted = groups[i] + coder.Minima;
            Vector256<float> error = shifted - (coder.Scales * coder.Code(shifted));
            sum += Weighted(error, weights, i) * error;
        }

        return sum;
    }

    /// <summary>What a value adds to a weighted sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Weighted(Vector256<float> value, Vector256<float>* weights, int index) => TFormat.HasMinima ? value : value * weights[index];

    /// <summary>The scales of the block that are best for the integers of the groups and the codes that follow from them.</summary>
    /// <remarks>
    /// With a = group scale * code and b = group minimum, the sum of (x - d a + m b)² is least where
    /// d (sum of a²) - m (sum of a b) = sum of x a and d (sum of a b) - m (sum of b²) = sum of x b.
    /// Weights only occur where m = 0, and then in both sums that are left.
    /// </remarks>
    /// <returns>False where there are none, or only ones that the format does not have.</returns>
    private static bool Refit(
        Vector256<float>* tile, Vector256<float>* weights, GroupParameters* parameters, float scale, float minimumScale, out float newScale, out float newMinimumScale)
    {
        double aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
        for (int batch = 0; batch < Batches; batch++)
        {
            Coder coder = new(parameters[batch], scale, minimumScale);
            Vector256<float> squares = Vector256<float>.Zero, codes = squares, products = squares, sum = squares;
            for (int i = 0; i < TFormat.ValuesPerGroup; i++)
            {
                Vector256<float> x = tile[(batch * TFormat.ValuesPerGroup) + i];
                Vector256<float> code = coder.Code(x + coder.Minima);
                Vector256<float> weighted = Weighted(code, weights, (batch * TFormat.ValuesPerGroup) + i);
                squares += code * weighted;
                codes += code;
                products += x * weighted;
                sum += x;
            }

            Vector256<float> groupScales = parameters[batch].Scales;
            Vector256<float> minima = parameters[batch].Minima;
            aa += Lanes.Sum(groupScales * groupScales * squares);
            ab += Lanes.Sum(groupScales * minima * codes);
            bb += Lanes.Sum(minima * minima) * TFormat.ValuesPerGroup;
            xa += Lanes.Sum(groupScales * products);
            xb += Lanes.Sum(minima * sum);
        }

        if (bb == 0)
        {
            newScale = (float)(xa / aa);
            newMinimumScale = 0;
            return aa > 0;
        }

        double determinant = (aa * bb) - (ab * ab);
        newScale = (float)(((xa * bb) - (xb * ab)) / determinant);
        newMinimumScale = (float)(((xa * ab) - (xb * aa)) / determinant);
        return determinant > 0 && newScale > 0 && newMinimumScale > 0;
    }

    [SkipLocalsInit]
    private static void Write(Vector256<float>* tile, GroupParameters* parameters, Half scale, Half minimumScale, byte* block)
    {
        new Span<byte>(block, TFormat.BytesPerBlock).Clear();
        int* codes = stackalloc int[Lanes.Count];
        Vector256<float> squares = Vector256<float>.Zero, products = squares;
        for (int batch = 0; batch < Batches; batch++)
        {
            Coder coder = new(parameters[batch], (float)scale, (float)minimumScale);
            for (int lane = 0; lane < Lanes.Count; lane++)
            {
                TFormat.SetGroupScale(block, (batch * Lanes.Count) + lane, (int)parameters[batch].Scales[lane]);
                TFormat.SetGroupMinimum(block, (batch * Lanes.Count) + lane, (int)parameters[batch].Minima[lane]);
            }

            for (int i = 0; i < TFormat.ValuesPerGroup; i++)
            {
                Vector256<float> x = tile[(batch * TFormat.ValuesPerGroup) + i];
                Vector256<float> code = coder.Code(x + coder.Minima);
                squares += x * x;
                products += x * ((coder.Scales * code) - coder.Minima);
                Vector256.ConvertToInt32Native(code).Store(codes);
                for (int lane = 0; lane < Lanes.Count; lane++)
                {
                    TFormat.SetCode(block, (((batch * Lanes.Count) + lane) * TFormat.ValuesPerGroup) + i, codes[lane]);
                }
            }
        }

        float gain = Attenuation.Gain(Lanes.Sum(squares), Lanes.Sum(products));
        TFormat.SetScale(block, HalfScale.Nearest(gain * (float)scale));
        TFormat.SetMinimumScale(block, HalfScale.Nearest(gain * (float)minimumScale));
    }

    /// <summary>Scales and minima of eight groups: as they wish them, or as whole numbers.</summary>
    private readonly struct GroupParameters(Vector256<float> scales, Vector256<float> minima)
    {
        public readonly Vector256<float> Scales = scales;
        public readonly Vector256<float> Minima = minima;
    }

    /// <summary>Gives eight groups their codes.</summary>
    private readonly struct Coder
    {
        public readonly Vector256<float> Scales;
        public readonly Vector256<float> Minima;
        private readonly Vector256<float> _inverse;

        public Coder(in GroupParameters parameters, float scale, float minimumScale)
        {
            Scales = parameters.Scales * scale;
            Minima = parameters.Minima * minimumScale;
            _inverse = Lanes.Divide(Vector256<float>.One, Scales);
        }

        /// <summary>The codes of values to which the minima were added.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<float> Code(Vector256<float> shifted)
            => Lanes.Code(shifted * _inverse, Vector256.Create((float)TFormat.LowestCode), Vector256.Create((float)TFormat.HighestCode));
    }
}
