using CpuMoe.Generation;
using CpuMoe.Text;

namespace CpuMoe.Tests.Generation;

public class SessionTests
{
    private static readonly GenerationOptions Greedy = new() { Sampling = SamplerOptions.Greedy, MaxTokens = 8 };
    private static readonly int[] Prompt = [5, 6, 7, 8];

    private static int EndToken => ScriptedModel.Tokenizer.Vocabulary.EndOfGeneration.First();

    [Fact]
    public void PrefixReuseChangesTheWorkButNotTheResult()
    {
        Random random = new(8);
        ScriptedModel model = new();
        using Session session = model.CreateSession(100);
        int[] sequence = Prompt;
        for (int turn = 0; turn < 60; turn++)
        {
            // Go on, go back, repeat, or start anew, as conversations and edited messages do.
            int kept = random.Next(4) == 0 ? sequence.Length : random.Next(Math.Min(sequence.Length, 80) + 1);
            int[] prompt = [.. sequence.Take(Math.Min(kept, 80)), .. Enumerable.Range(0, random.Next(3)).Select(_ => random.Next(2000))];
            prompt = prompt.Length == 0 ? [random.Next(2000)] : prompt;
            int common = session.Tokens.CommonPrefixLength(prompt);
            common = Math.Min(common, prompt.Length - 1);
            int before = model.EvaluatedTokens;

            List<int> generated = [.. session.Generate(prompt, Greedy, TestContext.Current.CancellationToken).Select(update => update.TokenId)];

            using Session fresh = new ScriptedModel().CreateSession(100);
            Assert.Equal(fresh.Generate(prompt, Greedy, TestContext.Current.CancellationToken).Select(update => update.TokenId), generated);
            Assert.Equal(prompt.Length - common + generated.Count - 1, model.EvaluatedTokens - before);
            Assert.Equal((prompt.Length, common, generated.Count), Counts(session));
            AssertConsistent(session, model, [.. prompt, .. generated.SkipLast(1)]);
            sequence = [.. prompt, .. generated];
        }
    }

    [Fact]
    public void ARepeatedPromptEvaluatesItsLastTokenOnly()
    {
        ScriptedModel model = new();
        using Session session = model.CreateSession();
        Run(session, Prompt, Greedy with { MaxTokens = 1 });
        Run(session, Prompt, Greedy with { MaxTokens = 1 });
        Assert.Equal(Prompt.Length + 1, model.EvaluatedTokens);
        Assert.Equal((4, 3, 1), Counts(session));
    }

    [Fact]
    public void EndOfGenerationStopsWithItsIdAndTheHeldBackText()
    {
        ScriptedModel model = Script("A", "<|", EndToken);
        using Session session = model.CreateSession();
        List<GenerationUpdate> updates = Run(session, Prompt, Greedy with { StopStrings = ["<|never|>"] });
        Assert.Equal(EndToken, updates[^1].TokenId);
        Assert.Equal(FinishReason.Stop, updates[^1].FinishReason);
        Assert.All(updates.SkipLast(1), update => Assert.Equal(FinishReason.None, update.FinishReason));
        Assert.Equal("<|", updates[^1].Text);
        Assert.Equal("A<|", Text(updates));
        AssertConsistent(session, model, [.. Prompt, .. updates.SkipLast(1).Select(update => update.TokenId)]);
    }

    [Fact]
    public void EndOfGenerationIsTextWhereControlTokensAreAndCanBeIgnored()
    {
        string name = ScriptedModel.Tokenizer.Vocabulary.TextOf(EndToken);
        using Session session = Script("A", EndToken, "B", EndToken).CreateSession();
        Assert.Equal("A" + name, Text(Run(session, Prompt, Greedy with { ShowControl = true })));
        List<GenerationUpdate> ignored = Run(session, Prompt, Greedy with { IgnoreEndOfGeneration = true, MaxTokens = 3 });
        Assert.Equal("AB", Text(ignored));
        Assert.Equal(FinishReason.Length, ignored[^1].FinishReason);
        Assert.Equal("A" + name + "B", Text(Run(session, Prompt, Greedy with { IgnoreEndOfGeneration = true, ShowControl = true, MaxTokens = 3 })));
    }

    [Fact]
    public void AStopStringAcrossTokensEndsTheTextBeforeIt()
    {
        using Session session = Script("one ", "t", "wo", " three").CreateSession();
        List<GenerationUpdate> updates = Run(session, Prompt, Greedy with { MaxTokens = 0, StopStrings = ["two", "three"] });
        Assert.Equal("one ", Text(updates));
        Assert.Equal(FinishReason.Stop, updates[^1].FinishReason);
    }

    [Fact]
    public void HeldBackTextIsReleasedAtTheLimitAndMayStillHoldAStopString()
    {
        // "bc" is complete, but held: "abcd" began before it.
        using Session session = Script("xa", "b", "c").CreateSession();
        int tokens = Run(session, Prompt, Greedy with { MaxTokens = 0, IgnoreEndOfGeneration = false }).Count - 1;
        List<GenerationUpdate> cut = Run(session, Prompt, Greedy with { MaxTokens = tokens, StopStrings = ["abcd"] });
        Assert.Equal("xabc", Text(cut));
        Assert.Equal(FinishReason.Length, cut[^1].FinishReason);
        List<GenerationUpdate> matched = Run(session, Prompt, Greedy with { MaxTokens = tokens, StopStrings = ["abcd", "bc"] });
        Assert.Equal("xa", Text(matched));
        Assert.Equal(FinishReason.Stop, matched[^1].FinishReason);
    }

    [Fact]
    public void TheContextIsFullWhenPromptAndAnswerFillIt()
    {
        ScriptedModel model = new();
        using Session session = model.CreateSession(contextLength: 10);
        List<GenerationUpdate> updates = Run(session, Prompt, Greedy with { MaxTokens = 0 });
        Assert.Equal(6, updates.Count);
        Assert.Equal(FinishReason.Context, updates[^1].FinishReason);
        AssertConsistent(session, model, [.. Prompt, .. updates.Take(5).Select(update => update.TokenId)]);
        Assert.Equal(FinishReason.Length, Run(session, Prompt, Greedy with { MaxTokens = 6 })[^1].FinishReason);
        Assert.Equal(FinishReason.Context, Run(session, Prompt, Greedy with { MaxTokens = 7 })[^1].FinishReason);
        Assert.Equal(FinishReason.Context, Assert.Single(Run(session, new int[9], Greedy)).FinishReason);

        model.Next = _ => EndToken;
        Assert.Equal(FinishReason.Stop, Assert.Single(Run(session, new int[9], Greedy with { MaxTokens = 1 })).FinishReason);
    }

    [Fact]
    public void PromptsThatCannotRunAreRejectedAtTheCall()
    {
        using Session session = new ScriptedModel().CreateSession(contextLength: 10);
        int count = ScriptedModel.Tokenizer.Vocabulary.Count;
        Rejects(session, [], "empty");
        Rejects(session, new int[10], "has 10 tokens, but the context holds 10");
        Rejects(session, new int[25], "has 25 tokens, but the context holds 10");
        Rejects(session, [1, -1], "Token 1 of the prompt is -1");
        Rejects(session, [count], $"from 0 to {count - 1}");
        Assert.Throws<ArgumentException>(() => Run(session, Prompt, Greedy with { StopStrings = [""] }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Run(session, Prompt, Greedy with { Sampling = new() { TopP = 2 } }));
        Assert.True(session.Tokens.IsEmpty);
        Assert.Null(session.LastTimings);
    }

    [Fact]
    public void TheContextLengthHasARangeAndADefault()
    {
        ScriptedModel model = new();
        using Session session = new(model, ScriptedModel.Tokenizer, new SessionOptions(), () => { });
        Assert.Equal(8192, session.ContextLength);
        Assert.Contains("1 to 10000", Assert.Throws<ArgumentOutOfRangeException>(() => model.CreateSession(10_001)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.CreateSession(-1));
    }

    [Fact]
    public void CancellationBetweenTokensEndsBeforeTheNextPass()
    {
        int passes = 0;
        ScriptedModel model = new() { BeforePass = () => passes++ };
        using Session session = model.CreateSession();
        using CancellationTokenSource cancellation = new();
        List<int> generated = [];
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (GenerationUpdate update in session.Generate(Prompt, Greedy, cancellation.Token))
            {
                generated.Add(update.TokenId);
                if (generated.Count == 3)
                {
                    cancellation.Cancel();
                }
            }
        });
        Assert.Equal((3, 3), (generated.Count, passes));
        AssertConsistent(session, model, [.. Prompt, .. generated.Take(2)]);
        Assert.Equal((4, 0, 3), Counts(session));
        AssertGoesOnAsFresh(session);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void AFailedPassLeavesTheSessionUsable(int failingPass)
    {
        ScriptedModel model = new();
        using Session session = model.CreateSession();
        Run(session, [5, 6, 9, 9], Greedy);
        int passes = 0;
        model.BeforePass = () =>
        {
            if (++passes == failingPass)
            {
                throw new IOException("disk gone");
            }
        };
        Assert.Throws<IOException>(() => Run(session, Prompt, Greedy));
        Assert.Equal(failingPass == 1 ? 2 : 6, session.Tokens.Length);
        AssertConsistent(session, model, session.Tokens.ToArray());
        Assert.Equal((4, 2, failingPass - 1), Counts(session));
        AssertGoesOnAsFresh(session);
    }

    [Fact]
    public void CancellationInsideAPassLeavesTheSessionUsable()
    {
        ScriptedModel model = new();
        using Session session = model.CreateSession();
        using CancellationTokenSource cancellation = new();
        model.BeforePass = cancellation.Cancel;
        Assert.Throws<OperationCanceledException>(() => session.Generate(Prompt, Greedy, cancellation.Token).Count());
        Assert.True(session.Tokens.IsEmpty);
        model.BeforePass = () => { };
        AssertGoesOnAsFresh(session);
    }

    [Fact]
    public void AnEnumerationMayBeLeftAtAnyToken()
    {
        for (int count = 0; count < 6; count++)
        {
            ScriptedModel model = new();
            using Session session = model.CreateSession();
            List<int> generated = [.. session.Generate(Prompt, Greedy, TestContext.Current.CancellationToken).Take(count).Select(update => update.TokenId)];
            AssertConsistent(session, model, count == 0 ? [] : [.. Prompt, .. generated.SkipLast(1)]);
            AssertGoesOnAsFresh(session);
        }
    }

    [Fact]
    public void ANewGenerationEndsTheOneBefore()
    {
        using Session session = new ScriptedModel().CreateSession();
        using IEnumerator<GenerationUpdate> old = session.Generate(Prompt, Greedy, TestContext.Current.CancellationToken).GetEnumerator();
        Assert.True(old.MoveNext());
        AssertGoesOnAsFresh(session);
        int[] tokens = session.Tokens.ToArray();
        Assert.Throws<InvalidOperationException>(() => old.MoveNext());
        Assert.Equal(tokens, session.Tokens);
    }

    [Fact]
    public void EachEnumerationGeneratesAnew()
    {
        using Session session = new ScriptedModel().CreateSession();
        int[] prompt = [.. Prompt];
        IEnumerable<GenerationUpdate> generation = session.Generate(prompt, Greedy, TestContext.Current.CancellationToken);
        prompt[0] = 99; // The prompt is the one of the call.
        Assert.Equal(generation.ToList(), generation.ToList());
        Assert.Equal(Prompt[0], session.Tokens[0]);
    }

    [Fact]
    public void ADisposedSessionOrModelSaysSo()
    {
        ScriptedModel model = new();
        Session session = model.CreateSession();
        using IEnumerator<GenerationUpdate> running = session.Generate(Prompt, Greedy, TestContext.Current.CancellationToken).GetEnumerator();
        Assert.True(running.MoveNext());
        session.Dispose();
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => running.MoveNext());
        Assert.Throws<ObjectDisposedException>(() => session.Generate(Prompt, Greedy, TestContext.Current.CancellationToken));

        bool isDisposed = false;
        using Session orphan = new(model, ScriptedModel.Tokenizer, new SessionOptions(), () => ObjectDisposedException.ThrowIf(isDisposed, model));
        IEnumerable<GenerationUpdate> later = orphan.Generate(Prompt, Greedy, TestContext.Current.CancellationToken);
        isDisposed = true;
        Assert.Throws<ObjectDisposedException>(() => later.First());
        Assert.Throws<ObjectDisposedException>(() => orphan.Generate(Prompt, Greedy, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void CharactersAreNeverTornAndACutOneIsReplaced()
    {
        // One token per byte.
        Vocabulary vocabulary = ScriptedModel.Tokenizer.Vocabulary;
        int ByteToken(byte value) => Enumerable.Range(0, vocabulary.Count).First(id => vocabulary.KindOf(id) == TokenKind.Normal && Bytes(id) is [var only] && only == value);
        int[] bytes = [.. "aé€😀z"u8.ToArray().Select(ByteToken)];
        ScriptedModel model = new() { Next = cached => bytes[cached.Count - Prompt.Length] };
        using Session session = model.CreateSession();
        List<GenerationUpdate> updates = Run(session, Prompt, Greedy with { MaxTokens = bytes.Length });
        Assert.Equal(["a", "", "é", "", "", "€", "", "", "", "😀", "z"], updates.Select(update => update.Text));
        Assert.Equal("aé\uFFFD", Text(Run(session, Prompt, Greedy with { MaxTokens = 5 })));
    }

    [Fact]
    public void TimesAreThoseOfTheLastGenerationAtEveryMoment()
    {
        ScriptedModel model = new() { BeforePass = () => Thread.Sleep(2) };
        using Session session = model.CreateSession();
        Assert.Null(session.LastTimings);
        foreach (GenerationUpdate _ in session.Generate(Prompt, Greedy, TestContext.Current.CancellationToken).Take(3))
        {
            GenerationTimings now = session.LastTimings!;
            Assert.True(now.PromptTime >= TimeSpan.FromMilliseconds(2));
            Assert.True(now.TimeToFirstToken >= now.PromptTime);
            Assert.True(now.GenerationTime >= TimeSpan.FromMilliseconds(2) * (now.GeneratedTokens - 1));
        }

        Assert.Equal((4, 0, 3), Counts(session));
        model.BeforePass = () =>
        {
            Thread.Sleep(2);
            throw new IOException();
        };
        Assert.Throws<IOException>(() => Run(session, [5, 1], Greedy));
        Assert.Equal((2, 1, 0), Counts(session));
        Assert.True(session.LastTimings!.PromptTime >= TimeSpan.FromMilliseconds(2));
        Assert.Equal((TimeSpan.Zero, TimeSpan.Zero), (session.LastTimings.GenerationTime, session.LastTimings.TimeToFirstToken));
    }

    [Fact]
    public void LogitsBeyondTheVocabularyAreNeverChosen()
    {
        using Session padded = new ScriptedModel { Padding = 37 }.CreateSession();
        AssertGoesOnAsFresh(padded);
    }

    [Fact]
    public void PenaltiesLookAtThePromptToo()
    {
        using Session session = new ScriptedModel { Next = _ => 100 }.CreateSession();
        GenerationOptions options = Greedy with { MaxTokens = 2, Sampling = SamplerOptions.Greedy with { PresencePenalty = 2 } };
        Assert.Equal([100, 101], Run(session, Prompt, options).Select(update => update.TokenId));
        Assert.Equal([101], Run(session, [100, 3], options with { MaxTokens = 1 }).Select(update => update.TokenId));
    }

    [Fact]
    public void DecodingAllocatesTheTextOnly()
    {
        ScriptedModel model = new() { Next = _ => 100 };
        using Session session = model.CreateSession(2000);
        long start = 0;
        long end = 0;
        int steps = 0;
        GenerationOptions options = Greedy with { MaxTokens = 1500, StopStrings = ["\u0001 never"], Sampling = new() { Seed = 1, RepeatPenalty = 1.1f } };
        foreach (GenerationUpdate update in session.Generate(Prompt, options, TestContext.Current.CancellationToken))
        {
            steps++;
            start = steps == 400 ? GC.GetAllocatedBytesForCurrentThread() : start;
            end = steps == 1400 ? GC.GetAllocatedBytesForCurrentThread() : end;
        }

        // A string of a few characters takes 24 to 40 bytes.
        Assert.InRange(end - start, 0, 1000 * 40);
    }

    private static void AssertConsistent(Session session, ScriptedModel model, int[] tokens)
    {
        Assert.Equal(tokens, session.Tokens);
        Assert.Equal(tokens, model.Cached.Take(tokens.Length));
    }

    private static void AssertGoesOnAsFresh(Session session)
    {
        int[] prompt = [.. Prompt, 11];
        using Session fresh = new ScriptedModel().CreateSession();
        Assert.Equal(Run(fresh, prompt, Greedy), Run(session, prompt, Greedy));
    }

    private static (int, int, int) Counts(Session session) =>
        (session.LastTimings!.PromptTokens, session.LastTimings.CachedTokens, session.LastTimings.GeneratedTokens);

    private static List<GenerationUpdate> Run(Session session, int[] prompt, GenerationOptions options) =>
        [.. session.Generate(prompt, options, TestContext.Current.CancellationToken)];

    private static string Text(List<GenerationUpdate> updates) => string.Concat(updates.Select(update => update.Text));

    private static void Rejects(Session session, int[] prompt, string message) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => session.Generate(prompt, Greedy, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);

    private static byte[] Bytes(int id)
    {
        System.Buffers.ArrayBufferWriter<byte> bytes = new();
        ScriptedModel.Tokenizer.AppendBytes(id, showControl: false, bytes);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>A model that answers any prompt of the usual length with the given texts and tokens, then with end tokens.</summary>
    private static ScriptedModel Script(params object[] parts)
    {
        int[] answer = [.. parts.SelectMany(part => part is string text ? ScriptedModel.Tokenizer.Encode(text, parseSpecial: false) : [(int)part])];
        return new ScriptedModel { Next = cached => cached.Count - Prompt.Length is var at && at < answer.Length ? answer[at] : EndToken };
    }
}
