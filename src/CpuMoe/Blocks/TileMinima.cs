namespace CpuMoe.Blocks;

/// <summary>What the minima of a <see cref="WeightTile"/> are multiplied with.</summary>
internal enum TileMinima
{
    /// <summary>There are none.</summary>
    None,

    /// <summary>The scale of the codes: they undo the bias that made the codes unsigned.</summary>
    SameScale,

    /// <summary>A float scale of their own.</summary>
    OwnScale,
}
