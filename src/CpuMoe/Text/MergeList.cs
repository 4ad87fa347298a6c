using CpuMoe.Gguf;

namespace CpuMoe.Text;

/// <summary>The merges of a BPE vocabulary; earlier ones come first.</summary>
internal sealed class MergeList : IMergeRule
{
    private readonly Dictionary<long, uint> _ranks;
    private readonly int[] _merged;
    private readonly int _tokenCount;

    /// <summary>Reads <c>tokenizer.ggml.merges</c>: "left right", split at the first space behind the first character.</summary>
    /// <exception cref="GgufFormatException">The list is missing, or a merge names a token that does not exist.</exception>
    internal MergeList(GgufMetadata metadata, Vocabulary vocabulary)
    {
        string[] merges = metadata.GetStrings(TokenizerKeys.Merges)
            ?? throw metadata.Fault(TokenizerKeys.Merges, "the list of merges is missing; the conversion of the model was incomplete, use another file");
        _tokenCount = vocabulary.Count;
        _ranks = new Dictionary<long, uint>(merges.Length);
        _merged = new int[merges.Length];
        for (int rank = 0; rank < merges.Length; rank++)
        {
            string merge = merges[rank];
            int space = merge.Length > 1 ? merge.IndexOf(' ', 1) : -1;
            int left = space < 0 ? -1 : vocabulary.Find(merge.AsSpan(0, space));
            int right = space < 0 ? -1 : vocabulary.Find(merge.AsSpan(space + 1));
            _merged[rank] = space < 0 ? -1 : vocabulary.Find(merge.Remove(space, 1));
            if (left < 0 || right < 0 || _merged[rank] < 0)
            {
                throw metadata.Fault(TokenizerKeys.Merges, $"merge {rank}, '{merge}', is not two tokens that make up a third; the file is damaged, use another one");
            }

            _ranks.TryAdd(Pair(left, right), (uint)rank);
        }
    }

    /// <inheritdoc/>
    public bool TryMerge(in Symbol left, in Symbol right, out uint order, out int id)
    {
        order = 0;
        id = -1;
        if (left.Id < 0 || right.Id < 0 || !_ranks.TryGetValue(Pair(left.Id, right.Id), out order))
        {
            return false;
        }

        id = _merged[order];
        return true;
    }

    // Not left in the upper and right in the lower half: the hash of a long is the exclusive or of its halves, so that
    // all pairs of equal tokens would collide.
    private long Pair(int left, int right) => ((long)left * _tokenCount) + right;
}
