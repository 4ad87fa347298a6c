using CpuMoe.Gguf;
using CpuMoe.Tests.Blocks;

namespace CpuMoe.Tests.Models;

/// <summary>
/// The forward pass of GLM-4.5 written down once more, as slowly and plainly as it goes: double precision, one token's
/// history after the other, no cache, nothing shared with the engine but the meaning of the stored weights.
/// </summary>
internal sealed class NaiveGlm(GgufFile file)
{
    private readonly Dictionary<string, float[]> _tensors = [];

    /// <summary>The logits behind each of the tokens, [tokens][rows].</summary>
    public double[][] Logits(params ReadOnlySpan<int> tokens)
    {
        int trunk = Key("block_count") - Key("nextn_predict_layers");
        double[][] x = [.. tokens.ToArray().Select(t => Row("token_embd.weight", t))];
        for (int block = 0; block < trunk; block++)
        {
            x = Attend($"blk.{block}.", x);
            x = [.. x.Select(v => Add(v, FeedForward(block, Rms(v, $"blk.{block}.post_attention_norm.weight"))))];
        }

        string output = file.TryGetTensor("output.weight", out _) ? "output.weight" : "token_embd.weight";
        return [.. x.Select(v => Mask(Times(output, Rms(v, "output_norm.weight"))))];
    }

    private double[][] Attend(string block, double[][] x)
    {
        int heads = Key("attention.head_count");
        int group = heads / Key("attention.head_count_kv");
        int keyLength = Key("attention.key_length");
        int valueLength = Key("attention.value_length");
        double[][] normalized = [.. x.Select(v => Rms(v, $"{block}attn_norm.weight"))];
        double[][][] queries = Heads("q", keyLength);
        double[][][] keys = Heads("k", keyLength);
        double[][][] values = Heads("v", valueLength);
        for (int position = 0; position < x.Length; position++)
        {
            queries[position] = [.. queries[position].Select(h => Rotate(HeadNorm(h, "q"), position))];
            keys[position] = [.. keys[position].Select(h => Rotate(HeadNorm(h, "k"), position))];
        }

        double[][] results = new double[x.Length][];
        for (int position = 0; position < x.Length; position++)
        {
            var concatenated = new List<double>();
            for (int head = 0; head < heads; head++)
            {
                double[] scores = [.. Enumerable.Range(0, position + 1).Select(j => Dot(queries[position][head], keys[j][head / group]) / Math.Sqrt(keyLength))];
                double[] p = Softmax(scores);
                concatenated.AddRange(Enumerable.Range(0, valueLength).Select(c => Enumerable.Range(0, position + 1).Sum(j => p[j] * values[j][head / group][c])));
            }

            results[position] = Add(x[position], Times($"{block}attn_output.weight", [.. concatenated]));
        }

        return results;

        double[][][] Heads(string which, int length) =>
            [.. normalized.Select(a => Add(Times($"{block}attn_{which}.weight", a), Vector($"{block}attn_{which}.bias")).Chunk(length).ToArray())];

        double[] HeadNorm(double[] head, string which)
        {
            string name = $"{block}attn_{which}_norm.weight";
            return file.TryGetTensor(name, out _) ? Rms(head, name) : head;
        }
    }

    private double[] Rotate(double[] head, int position)
    {
        int dims = Key("rope.dimension_count");
        double[] turned = [.. head];
        for (int c = 0; c < dims / 2; c++)
        {
            double angle = position * Math.Pow(file.Metadata.GetSingle("glm4moe.rope.freq_base"), -2.0 * c / dims);
            turned[c] = (head[c] * Math.Cos(angle)) - (head[c + (dims / 2)] * Math.Sin(angle));
            turned[c + (dims / 2)] = (head[c] * Math.Sin(angle)) + (head[c + (dims / 2)] * Math.Cos(angle));
        }

        return turned;
    }

    private double[] FeedForward(int block, double[] b)
    {
        string prefix = $"blk.{block}.ffn_";
        if (block < Key("leading_dense_block_count"))
        {
            return Gated(Times($"{prefix}gate.weight", b), Times($"{prefix}up.weight", b), $"{prefix}down.weight", 0, 1);
        }

        int experts = Key("expert_count");
        int width = Key("expert_feed_forward_length");
        double[] z = Times($"{prefix}gate_inp.weight", b);
        double[] scores = Key("expert_gating_func") switch
        {
            1 => Softmax(z),
            2 => [.. z.Select(v => 1 / (1 + Math.Exp(-v)))],
            _ => z,
        };
        double[] bias = Vector($"blk.{block}.exp_probs_b.bias");
        int[] selected = [.. Enumerable.Range(0, experts).OrderByDescending(e => scores[e] + bias[e]).Take(Key("expert_used_count"))];
        double[] weights = [.. selected.Select(e => scores[e])];
        weights = Key("expert_gating_func") == 3 ? Softmax(weights) : weights;
        if (file.Metadata.GetBoolean("glm4moe.expert_weights_norm", false))
        {
            weights = [.. weights.Select(w => w / Math.Max(weights.Sum(), 6.103515625e-5))];
        }

        double scale = file.Metadata.GetSingle("glm4moe.expert_weights_scale");
        double[] y = Gated(Times($"{prefix}gate_shexp.weight", b), Times($"{prefix}up_shexp.weight", b), $"{prefix}down_shexp.weight", 0, 1);
        for (int i = 0; i < selected.Length; i++)
        {
            int e = selected[i];
            double[] gate, up;
            if (file.TryGetTensor($"{prefix}gate_up_exps.weight", out _))
            {
                double[] both = Times($"{prefix}gate_up_exps.weight", b, e, experts);
                (gate, up) = (both[..width], both[width..]);
            }
            else
            {
                (gate, up) = (Times($"{prefix}gate_exps.weight", b, e, experts), Times($"{prefix}up_exps.weight", b, e, experts));
            }

            double weight = weights[i] * (scale == 0 ? 1 : scale);
            y = Add(y, [.. Gated(gate, up, $"{prefix}down_exps.weight", e, experts).Select(v => weight * v)]);
        }

        return y;
    }

    private double[] Gated(double[] gate, double[] up, string down, int slice, int slices) =>
        Times(down, [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)], slice, slices);

    private double[] Rms(double[] x, string weights)
    {
        double root = Math.Sqrt((x.Sum(v => v * v) / x.Length) + file.Metadata.GetSingle("glm4moe.attention.layer_norm_rms_epsilon"));
        return [.. x.Zip(Vector(weights), (v, w) => v / root * w)];
    }

    /// <summary>A slice of a stack of matrices, of which there are <paramref name="slices"/>, times a vector.</summary>
    private double[] Times(string matrix, double[] x, int slice = 0, int slices = 1)
    {
        float[] w = Tensor(matrix);
        int rows = w.Length / x.Length / slices;
        double[] y = new double[rows];
        for (int r = 0; r < rows; r++)
        {
            int first = ((slice * rows) + r) * x.Length;
            for (int c = 0; c < x.Length; c++)
            {
                y[r] += w[first + c] * x[c];
            }
        }

        return y;
    }

    private double[] Mask(double[] logits)
    {
        int[]? types = file.Metadata.GetInt32s("tokenizer.ggml.token_type");
        int tokens = file.Metadata.GetStrings("tokenizer.ggml.tokens")!.Length;
        return [.. logits.Select((v, id) => id >= tokens || types![id] == 5 ? double.NegativeInfinity : v)];
    }

    private int Key(string name) => file.Metadata.GetInt32($"glm4moe.{name}");

    private double[] Row(string matrix, int row)
    {
        int length = Key("embedding_length");
        return [.. Tensor(matrix).AsSpan(row * length, length).ToArray().Select(v => (double)v)];
    }

    private double[] Vector(string name) => [.. Tensor(name).Select(v => (double)v)];

    private float[] Tensor(string name)
    {
        if (!_tensors.TryGetValue(name, out float[]? values))
        {
            Assert.True(file.TryGetTensor(name, out GgufTensor? tensor), name);
            _tensors[name] = values = FormatUnderTest.Of(tensor.Type).Dequantize(tensor.Bytes);
        }

        return values;
    }

    private static double[] Softmax(double[] x)
    {
        double largest = x.Max();
        double sum = x.Sum(v => Math.Exp(v - largest));
        return [.. x.Select(v => Math.Exp(v - largest) / sum)];
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (u, v) => u * v).Sum();

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (u, v) => u + v)];
}
