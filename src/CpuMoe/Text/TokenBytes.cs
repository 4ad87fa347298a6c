using System.Buffers;
using System.Text;

namespace CpuMoe.Text;

/// <summary>The bytes every token stands for, in one block, so that decoding a token copies and allocates nothing.</summary>
internal sealed class TokenBytes
{
    private readonly byte[] _bytes;
    private readonly int[] _ends;

    /// <summary>Decodes the whole vocabulary once.</summary>
    /// <param name="vocabulary">The tokens; all but normal and byte tokens stand for their literal text, unused ones for nothing.</param>
    /// <param name="decode">Writes the bytes of a normal or byte token.</param>
    internal TokenBytes(Vocabulary vocabulary, Action<int, ArrayBufferWriter<byte>> decode)
    {
        var bytes = new ArrayBufferWriter<byte>(vocabulary.Count * 8);
        _ends = new int[vocabulary.Count];
        for (int id = 0; id < _ends.Length; id++)
        {
            switch (vocabulary.KindOf(id))
            {
                case TokenKind.Normal or TokenKind.Byte:
                    decode(id, bytes);
                    break;
                case TokenKind.Unknown or TokenKind.Control or TokenKind.UserDefined:
                    Encoding.UTF8.GetBytes(vocabulary.TextOf(id), bytes);
                    break;
            }

            _ends[id] = bytes.WrittenCount;
        }

        _bytes = bytes.WrittenSpan.ToArray();
    }

    /// <summary>The bytes of a token, control tokens included.</summary>
    internal ReadOnlySpan<byte> this[int id]
    {
        get
        {
            int start = id > 0 ? _ends[id - 1] : 0;
            return _bytes.AsSpan(start, _ends[id] - start);
        }
    }
}
