using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Models;

/// <summary>A pass allocates nothing on the managed heap.</summary>
[Collection(nameof(RunAlone))]
public class ForwardAllocationTests
{
    private const int WarmUp = 20;
    private const int Tokens = 80;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void DecodingAllocatesNothing(int threads) => Check(new ModelOptions { Threads = threads });

    [Fact]
    public void DecodingWithPagedExpertsAllocatesNothing() => Check(new ModelOptions { Threads = 2, ExpertCacheBytes = 3 << 20 });

    private static void Check(ModelOptions options)
    {
        using GgufFile file = GgufFile.Open(TestData.DemoModel);
        using Model model = Model.Load(file, options);
        using KvCache cache = model.CreateCache(WarmUp + Tokens, KvType.F16);
        float[] logits = new float[model.VocabularySize];
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        for (int i = 0; i < WarmUp; i++)
        {
            Decode(i);
        }

        long processBefore = GC.GetTotalAllocatedBytes(precise: true);
        long threadBefore = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Tokens; i++)
        {
            Decode(i);
        }

        long thread = GC.GetAllocatedBytesForCurrentThread() - threadBefore;
        long process = GC.GetTotalAllocatedBytes(precise: true) - processBefore;
        Assert.Equal(0, thread);

        // The test runner and the runtime's own threads live in the same process; one array of 100 bytes per token
        // would be 8,000.
        Assert.InRange(process, 0, 6000);

        void Decode(int i)
        {
            ReadOnlySpan<int> token = [100 + i];
            model.Forward(token, cache, logits, cancellation);
        }
    }
}
