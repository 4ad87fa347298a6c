using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Models;

/// <summary>The block for multi-token prediction is in the file but not in the pass.</summary>
public class Glm4MoeNextNTests
{
    private static readonly int[] Tokens = [.. Enumerable.Range(100, 12)];

    [Fact]
    public void ItsWeightsAreNotRead()
    {
        TinyGlmContent content = Demo();
        float[] expected = Logits(content);
        string[] names = [.. content.Tensors.Keys.Where(name => name.StartsWith("blk.4.", StringComparison.Ordinal))];
        Assert.NotEmpty(names);
        foreach (string name in names)
        {
            Array.Fill(content.Tensors[name].Data, (byte)0xff);
        }

        Assert.Equal(expected, Logits(content));

        // The check can fail: a block of the trunk does change them.
        Array.Fill(content.Tensors["blk.3.attn_q.weight"].Data, (byte)0);
        Assert.NotEqual(expected, Logits(content));
    }

    [Fact]
    public void AFileWithoutItGivesTheSameLogits()
    {
        TinyGlmContent content = Demo();
        float[] expected = Logits(content);
        foreach (string name in content.Tensors.Keys.Where(name => name.StartsWith("blk.4.", StringComparison.Ordinal)).ToArray())
        {
            content.Tensors.Remove(name);
        }

        // Its tensors are not even looked for ...
        Assert.Equal(expected, Logits(content));

        // ... and distributions that strip it say so.
        content.Metadata["glm4moe.block_count"] = 4u;
        content.Metadata["glm4moe.nextn_predict_layers"] = 0u;
        Assert.Equal(expected, Logits(content));
        content.Metadata.Remove("glm4moe.nextn_predict_layers");
        Assert.Equal(expected, Logits(content));
    }

    private static TinyGlmContent Demo()
    {
        using GgufFile file = GgufFile.Open(TestData.DemoModel);
        return TinyGlmContent.Read(file);
    }

    private static float[] Logits(TinyGlmContent content)
    {
        using var open = new OpenModel(content);
        Assert.Empty(open.Model.Warnings);
        float[] logits = open.Model.AllLogits(Tokens, KvType.F16);
        Assert.DoesNotContain(logits, float.IsNaN);
        return logits;
    }
}
