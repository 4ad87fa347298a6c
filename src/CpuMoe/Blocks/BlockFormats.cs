using System.Diagnostics.CodeAnalysis;
using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>Receives the format chosen by <see cref="BlockFormats.TryVisit"/> as a type argument.</summary>
internal interface IBlockFormatVisitor<TResult>
{
    /// <summary>Called with the format struct of the requested type.</summary>
    TResult Visit<TFormat>()
        where TFormat : struct, IBlockFormat<TFormat>;
}

/// <summary>The one place that maps a GGUF type id to its format.</summary>
internal static class BlockFormats
{
    /// <summary>The types the engine computes with, by ascending id.</summary>
    public static IReadOnlyList<GgmlType> Supported { get; } = [.. Enum.GetValues<GgmlType>().Where(IsSupported)];

    /// <summary>Whether the engine computes with <paramref name="type"/>.</summary>
    public static bool IsSupported(GgmlType type) => TryVisit(type, default(Probe), out bool _);

    /// <summary>Calls <paramref name="visitor"/> with the format of <paramref name="type"/>; false when the engine cannot compute with it.</summary>
    public static bool TryVisit<TVisitor, TResult>(GgmlType type, TVisitor visitor, [MaybeNullWhen(false)] out TResult result)
        where TVisitor : IBlockFormatVisitor<TResult>, allows ref struct
    {
        bool supported = true;
        result = type switch
        {
            GgmlType.F32 => visitor.Visit<F32>(),
            GgmlType.F16 => visitor.Visit<F16>(),
            GgmlType.BF16 => visitor.Visit<BF16>(),
            GgmlType.Q4_0 => visitor.Visit<Q4_0>(),
            GgmlType.Q4_1 => visitor.Visit<Q4_1>(),
            GgmlType.Q5_0 => visitor.Visit<Q5_0>(),
            GgmlType.Q5_1 => visitor.Visit<Q5_1>(),
            GgmlType.Q6_0 => visitor.Visit<Q6_0>(),
            GgmlType.Q8_0 => visitor.Visit<Q8_0>(),
            GgmlType.IQ4_NL => visitor.Visit<IQ4NL>(),
            GgmlType.MXFP4 => visitor.Visit<MXFP4>(),
            GgmlType.Q2_K => visitor.Visit<Q2K>(),
            GgmlType.Q3_K => visitor.Visit<Q3K>(),
            GgmlType.Q4_K => visitor.Visit<Q4K>(),
            GgmlType.Q5_K => visitor.Visit<Q5K>(),
            GgmlType.Q6_K => visitor.Visit<Q6K>(),
            GgmlType.IQ4_XS => visitor.Visit<IQ4XS>(),
            _ => Unsupported<TResult>(out supported),
        };
        return supported;
    }

    private static TResult Unsupported<TResult>(out bool supported)
    {
        supported = false;
        return default!;
    }

    private readonly struct Probe : IBlockFormatVisitor<bool>
    {
        public bool Visit<TFormat>()
            where TFormat : struct, IBlockFormat<TFormat>
            => true;
    }
}
