using CpuMoe.Grammars.Automata;
using CpuMoe.Grammars.Masks;
using CpuMoe.Text;

namespace CpuMoe.Grammars;

/// <summary>Where one text is in a grammar: says which tokens may come next. Made by <see cref="Grammar.CreateConstraint"/>.</summary>
/// <remarks>
/// Tokens with a meaning beside their text (control and user-defined ones) are allowed only where the grammar names them,
/// tokens that end the generation where the text may end. Allocates nothing at places that were met before. Not safe for
/// concurrent use; the constraints of one grammar may be used at the same time.
/// </remarks>
public sealed class GrammarConstraint
{
    private readonly TokenGrammar _grammar;
    private readonly Vocabulary _vocabulary;
    private Configuration _at;
    private bool _isEnded;

    internal GrammarConstraint(TokenGrammar grammar, Vocabulary vocabulary)
    {
        _grammar = grammar;
        _vocabulary = vocabulary;
        _at = grammar.Start();
    }

    /// <summary>Whether the text so far is a complete text of the grammar.</summary>
    public bool CanEnd => _isEnded || _at.CanEnd;

    /// <summary>Whether nothing may follow: the text is complete and cannot go on, or a token has ended it.</summary>
    public bool IsComplete => _isEnded || (_at.CanEnd && _at.Tops.Length == 0);

    /// <summary>Sets the logits of all tokens that must not come next to -infinity.</summary>
    /// <param name="logits">One logit per token of the vocabulary.</param>
    /// <exception cref="ArgumentException">Another number of logits.</exception>
    /// <exception cref="GrammarException">No token of the vocabulary can go on with the text, or the grammar is too ambiguous.</exception>
    public void Allow(Span<float> logits)
    {
        if (logits.Length != _vocabulary.Count)
        {
            throw new ArgumentException($"There are {logits.Length} logits for {_vocabulary.Count} tokens.", nameof(logits));
        }

        if (_isEnded)
        {
            logits.Fill(float.NegativeInfinity);
            return;
        }

        TokenMask mask = _grammar.MaskAt(ref _at);
        if (mask.IsEmpty)
        {
            throw new GrammarException(_at.CanEnd
                ? "The text is complete, but the vocabulary has no token that ends a generation."
                : "No token of the vocabulary goes on with a text of the grammar: it lacks the bytes, or the grammar is too ambiguous.");
        }

        mask.Apply(logits);
    }

    /// <summary>Notes the token that was chosen.</summary>
    /// <returns>Whether it may come here; if not, nothing changes.</returns>
    /// <exception cref="GrammarException">The grammar is too ambiguous.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The id is not one of the vocabulary's.</exception>
    public bool Accept(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, _vocabulary.Count);
        if (_isEnded)
        {
            return false;
        }

        if (_grammar.Advance(_at, token) is { } next)
        {
            _at = next;
            return true;
        }

        _isEnded = _at.CanEnd && _vocabulary.EndOfGeneration.Contains(token);
        return _isEnded;
    }
}
