namespace CpuMoe.Diagnostics;

/// <summary>The instructions that products of weights and activations are computed with.</summary>
public enum VectorPath
{
    /// <summary>No vectors: the definition of the formats.</summary>
    Scalar,

    /// <summary>The 128-bit vectors of NEON or SSE.</summary>
    Vector128,

    /// <summary>AVX2.</summary>
    Vector256,

    /// <summary>AVX-512 BW.</summary>
    Vector512,
}
