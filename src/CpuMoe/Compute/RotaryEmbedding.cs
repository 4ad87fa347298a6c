namespace CpuMoe.Compute;

/// <summary>
/// Rotary position embedding in the NEOX pairing: element c turns with element c + dims/2 by the angle
/// position * base^(-2c/dims); elements from dims on stay as they are.
/// </summary>
/// <remarks>Source: Su et al., "RoFormer", 2021; pairing of GPT-NeoX.</remarks>
/// <param name="dims">Rotated values per head, even.</param>
/// <param name="frequencyBase">The base of the angles.</param>
/// <param name="maxRows">The most positions prepared at a time.</param>
internal sealed unsafe class RotaryEmbedding(int dims, float frequencyBase, int maxRows) : IDisposable
{
    private readonly NativeBuffer<float> _cosines = new((long)maxRows * (dims / 2));
    private readonly NativeBuffer<float> _sines = new((long)maxRows * (dims / 2));

    /// <summary>Computes the angles of positions, one per row, once for all layers.</summary>
    public void Prepare(ReadOnlySpan<int> positions)
    {
        int half = dims / 2;
        for (int row = 0; row < positions.Length; row++)
        {
            for (int c = 0; c < half; c++)
            {
                // In double: at position 100,000 a float angle is off by up to 0.004.
                (double sine, double cosine) = Math.SinCos(positions[row] * Math.Pow(frequencyBase, -2.0 * c / dims));
                _cosines.Pointer[row * half + c] = (float)cosine;
                _sines.Pointer[row * half + c] = (float)sine;
            }
        }
    }

    /// <summary>Turns one head at the <paramref name="row"/>-th prepared position.</summary>
    public void Apply(float* head, int row)
    {
        int half = dims / 2;
        float* cosines = _cosines.Pointer + row * half;
        float* sines = _sines.Pointer + row * half;
        for (int c = 0; c < half; c++)
        {
            float a = head[c];
            float b = head[c + half];
            head[c] = (a * cosines[c]) - (b * sines[c]);
            head[c + half] = (a * sines[c]) + (b * cosines[c]);
        }
    }

    public void Dispose()
    {
        _cosines.Dispose();
        _sines.Dispose();
    }
}
