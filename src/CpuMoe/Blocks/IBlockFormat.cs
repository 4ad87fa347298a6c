using CpuMoe.Gguf;

namespace CpuMoe.Blocks;

/// <summary>
/// A number format of GGUF weights: how a block of values is laid out, what it means, and how a row of blocks is
/// multiplied with an activation row.
/// </summary>
/// <remarks>
/// <see cref="Dequantize"/> is the definition of the format. Every dot product is tested against it. Rows are whole
/// numbers of blocks; no member reads past the last block of the row it is given.
/// </remarks>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe interface IBlockFormat<TSelf>
    where TSelf : struct, IBlockFormat<TSelf>
{
    /// <summary>The GGUF type id.</summary>
    static abstract GgmlType Type { get; }

    /// <summary>Values per block (1, 32 or 256).</summary>
    static abstract int ValuesPerBlock { get; }

    /// <summary>Bytes per block.</summary>
    static abstract int BytesPerBlock { get; }

    /// <summary>The form of the activations that the dot products take.</summary>
    static abstract ActivationFormat Activation { get; }

    /// <summary>Writes the <see cref="ValuesPerBlock"/> values of one block as floats.</summary>
    static abstract void Dequantize(byte* block, float* values);

    /// <summary>Writes the values of <paramref name="blocks"/> blocks, all of them finite, as floats.</summary>
    static virtual void LoadValues(byte* row, int blocks, float* values)
    {
        for (int b = 0; b < blocks; b++)
        {
            TSelf.Dequantize(row + (b * TSelf.BytesPerBlock), values + (b * TSelf.ValuesPerBlock));
        }
    }

    /// <summary>Whether floats can be written in the format, see <see cref="Quantize"/>.</summary>
    static virtual bool CanQuantize => false;

    /// <summary>
    /// Writes <paramref name="blocks"/> blocks whose values are near the given ones, which are finite and at most 65504 in
    /// magnitude. The same values give the same bytes on every machine.
    /// </summary>
    static virtual void Quantize(float* values, int blocks, byte* row) => throw new NotSupportedException($"{TSelf.Type} is not written.");

    /// <summary>Dot product of <paramref name="blocks"/> blocks with the same number of activation values, scalar.</summary>
    static abstract float Dot(byte* row, in ActivationRow activation, int blocks);

    /// <summary>As <see cref="Dot"/>, with the 128-bit vectors that every current processor has.</summary>
    static virtual float Dot128(byte* row, in ActivationRow activation, int blocks) => TSelf.Dot(row, activation, blocks);

    /// <summary>As <see cref="Dot"/>, with 256-bit vectors; called only where AVX2 is supported.</summary>
    static virtual float Dot256(byte* row, in ActivationRow activation, int blocks) => TSelf.Dot(row, activation, blocks);

    /// <summary>As <see cref="Dot"/>, with 512-bit vectors; called only where AVX-512 BW is supported.</summary>
    static virtual float Dot512(byte* row, in ActivationRow activation, int blocks) => TSelf.Dot256(row, activation, blocks);

    /// <summary>
    /// As <see cref="Dot512"/> with 1 to 4 activations, the row being unpacked once for all: results[c * stride] for column c,
    /// each with the bits that <see cref="Dot512"/> gives for it.
    /// </summary>
    static virtual void DotColumns512<TColumns>(byte* row, ActivationRow* columns, int blocks, float* results, long stride)
        where TColumns : struct, IColumnCount
    {
        for (int c = 0; c < TColumns.Count; c++)
        {
            results[c * stride] = TSelf.Dot512(row, columns[c], blocks);
        }
    }

    /// <summary>Whether the format is multiplied as floats, in tiles that <see cref="LoadValues"/> fills.</summary>
    static virtual bool IsFloat => false;

    /// <summary>
    /// The largest unsigned code in a tile, which decides how many products fit 16 bits; 0 where the format has no
    /// <see cref="LoadTile"/>. (The properties of tiles are single numbers because the JIT folds those.)
    /// </summary>
    static virtual int TileMaxCode => 0;

    /// <summary>Values of a tile under one float scale: 32 or 256.</summary>
    static virtual int TileValuesPerScale => 256;

    /// <summary>Values of a tile under one integer scale, 16 or 32; 0 where there are no integer scales.</summary>
    static virtual int TileValuesPerGroup => 0;

    /// <summary>What the minima of a tile are multiplied with.</summary>
    static virtual TileMinima TileMinima => TileMinima.None;

    /// <summary>
    /// Unpacks <paramref name="values"/> values (a whole number of blocks, at most <see cref="WeightTile.Values"/>) of
    /// <see cref="WeightTile.Rows"/> rows for products with many activations; called only where AVX2 is supported.
    /// </summary>
    /// <param name="rows">The first row.</param>
    /// <param name="rowBytes">Bytes from row to row.</param>
    /// <param name="values">How many values of each.</param>
    /// <param name="tile">Where to.</param>
    /// <param name="wide">
    /// For formats with codes of 8 bits: write the signed codes, times the integer scales, in 16 bits, and neither scales nor minima.
    /// </param>
    static virtual void LoadTile(byte* rows, long rowBytes, int values, WeightTile* tile, bool wide) => throw new NotSupportedException();
}
