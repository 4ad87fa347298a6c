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
    /// <summary>Calls <paramref name="visitor"/> with the format of <paramref name="type"/>; false when the engine cannot compute with it.</summary>
    public static bool TryVisit<TVisitor, TResult>(GgmlType type, TVisitor visitor, [MaybeNullWhen(false)] out TResult result)
        where TVisitor : IBlockFormatVisitor<TResult>, allows ref struct
        => throw new NotImplementedException();
}
