namespace CpuMoe.Gguf;

/// <summary>
/// The element type of a tensor in a GGUF file, with ggml's numeric ids and spelling.
/// </summary>
/// <remarks>Source: ggml <c>include/ggml.h</c>. Sizes are in <see cref="GgmlTypes"/>.</remarks>
public enum GgmlType : uint
{
    /// <summary>32-bit IEEE float.</summary>
    F32 = 0,

    /// <summary>16-bit IEEE float.</summary>
    F16 = 1,

    /// <summary>4-bit codes, one scale per 32 values.</summary>
    Q4_0 = 2,

    /// <summary>4-bit codes, one scale and minimum per 32 values.</summary>
    Q4_1 = 3,

    /// <summary>5-bit codes, one scale per 32 values.</summary>
    Q5_0 = 6,

    /// <summary>5-bit codes, one scale and minimum per 32 values.</summary>
    Q5_1 = 7,

    /// <summary>8-bit codes, one scale per 32 values.</summary>
    Q8_0 = 8,

    /// <summary>8-bit activation format with block sums.</summary>
    Q8_1 = 9,

    /// <summary>2-bit codes in super-blocks of 256 values.</summary>
    Q2_K = 10,

    /// <summary>3-bit codes in super-blocks of 256 values.</summary>
    Q3_K = 11,

    /// <summary>4-bit codes in super-blocks of 256 values.</summary>
    Q4_K = 12,

    /// <summary>5-bit codes in super-blocks of 256 values.</summary>
    Q5_K = 13,

    /// <summary>6-bit codes in super-blocks of 256 values.</summary>
    Q6_K = 14,

    /// <summary>8-bit activation format of the K-quants.</summary>
    Q8_K = 15,

    /// <summary>2.06-bit lattice codes.</summary>
    IQ2_XXS = 16,

    /// <summary>2.31-bit lattice codes.</summary>
    IQ2_XS = 17,

    /// <summary>3.06-bit lattice codes.</summary>
    IQ3_XXS = 18,

    /// <summary>1.56-bit lattice codes.</summary>
    IQ1_S = 19,

    /// <summary>4-bit codes into a non-linear table, one scale per 32 values.</summary>
    IQ4_NL = 20,

    /// <summary>3.44-bit lattice codes.</summary>
    IQ3_S = 21,

    /// <summary>2.56-bit lattice codes.</summary>
    IQ2_S = 22,

    /// <summary>4-bit codes into a non-linear table, super-blocks of 256 values.</summary>
    IQ4_XS = 23,

    /// <summary>8-bit integer.</summary>
    I8 = 24,

    /// <summary>16-bit integer.</summary>
    I16 = 25,

    /// <summary>32-bit integer.</summary>
    I32 = 26,

    /// <summary>64-bit integer.</summary>
    I64 = 27,

    /// <summary>64-bit IEEE float.</summary>
    F64 = 28,

    /// <summary>1.75-bit lattice codes.</summary>
    IQ1_M = 29,

    /// <summary>16-bit brain float.</summary>
    BF16 = 30,

    /// <summary>Ternary codes, 1.69 bits per value.</summary>
    TQ1_0 = 34,

    /// <summary>Ternary codes, 2.06 bits per value.</summary>
    TQ2_0 = 35,

    /// <summary>4-bit floats with a shared 8-bit exponent per 32 values (OCP microscaling).</summary>
    MXFP4 = 39,

    /// <summary>4-bit floats, blocks of 64 values.</summary>
    NVFP4 = 40,

    /// <summary>1-bit codes, blocks of 128 values.</summary>
    Q1_0 = 41,

    /// <summary>2-bit codes, blocks of 64 values.</summary>
    Q2_0 = 42,

    /// <summary>6-bit codes, one scale per 32 values (ik_llama.cpp only).</summary>
    Q6_0 = 133,
}
