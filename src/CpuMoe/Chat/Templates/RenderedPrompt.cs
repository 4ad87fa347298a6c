using CpuMoe.Text;

namespace CpuMoe.Chat.Templates;

/// <summary>A prompt.</summary>
public sealed class RenderedPrompt
{
    private readonly TextSegment[] _segments;

    internal RenderedPrompt(TextValue text)
        : this(text.Text, [.. text.ToSegments()])
    {
    }

    private RenderedPrompt(string text, TextSegment[] segments) => (Text, _segments) = (text, segments);

    /// <summary>The whole text.</summary>
    public string Text { get; }

    /// <summary>
    /// The text in pieces: those of the template, in which special tokens are meant, and those of messages, tools and
    /// variables, in which they are plain text whatever the user wrote. This is what the tokenizer is to be given.
    /// </summary>
    public ReadOnlySpan<TextSegment> Segments => _segments;

    /// <summary>This prompt with more text after it in which special tokens are meant.</summary>
    internal RenderedPrompt Append(string text) => new(Text + text, [.. _segments, new TextSegment(text, ParseSpecial: true)]);

    /// <summary>The beginning of this prompt.</summary>
    /// <param name="length">Its length in UTF-16 units.</param>
    internal RenderedPrompt Truncate(int length)
    {
        List<TextSegment> segments = [];
        int left = length;
        foreach (TextSegment segment in _segments)
        {
            string text = segment.Text[..Math.Min(left, segment.Text.Length)];
            left -= text.Length;
            if (text.Length > 0)
            {
                segments.Add(segment with { Text = text });
            }
        }

        return new RenderedPrompt(Text[..length], [.. segments]);
    }
}
