using CpuMoe.Fitting;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Quantization;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Fitting;

/// <summary>Sizes of models that are only known by their tensors, against those published and those of real files.</summary>
public class ModelOutlineTests
{
    [Theory]
    [InlineData("glm-4.5", 358_337_791_296, 1761)]
    [InlineData("glm-4.5-air", 110_468_824_832, 803)]
    [InlineData("glm-4.6", 356_785_898_816, 1759)]
    public void KnownModelsHaveTheWeightsPublished(string name, long weights, int tensors)
    {
        ModelOutline model = Known(name);

        Assert.Equal((weights, tensors), (model.ParameterCount, model.Tensors.Count));
        Assert.Equal(tensors, model.Tensors.Select(tensor => tensor.Name).Distinct().Count());
    }

    // Decimal gigabytes of tensors, and active per token; llama-quantize writes such files.
    [Theory]
    [InlineData("glm-4.5", "Q8_0", 380.96, 35.13)]
    [InlineData("glm-4.5", "Q6_K", 294.19, 27.19)]
    [InlineData("glm-4.5", "Q5_K_M", 254.00, 23.39)]
    [InlineData("glm-4.5", "Q4_K_M", 216.17, 19.82)]
    [InlineData("glm-4.5", "Q3_K_M", 170.89, 16.43)]
    [InlineData("glm-4.5", "Q2_K", 130.54, 12.80)]
    [InlineData("glm-4.5-air", "F16", 220.99, 25.66)]
    [InlineData("glm-4.5-air", "Q8_0", 117.45, 13.68)]
    [InlineData("glm-4.5-air", "Q6_K", 99.00, 11.16)]
    [InlineData("glm-4.5-air", "Q5_K_M", 83.40, 9.48)]
    [InlineData("glm-4.5-air", "Q4_K_M", 72.85, 8.19)]
    [InlineData("glm-4.5-air", "Q3_K_M", 57.02, 6.79)]
    [InlineData("glm-4.5-air", "Q2_K", 44.96, 5.44)]
    public void KnownModelsHaveTheSizesOfRealFiles(string name, string mix, double gigabytes, double activeGigabytes)
    {
        ModelOutline model = Known(name).Quantized(Mix(mix));
        FitEstimate estimate = new FitEstimator(Machines.Of(), new FitOptions()).Estimate(model);

        Assert.Equal(gigabytes, model.Tensors.Sum(tensor => tensor.ByteCount) / 1e9, 0.006);
        Assert.Equal(activeGigabytes, estimate.ActiveBytesPerToken / 1e9, 0.006);
        Assert.InRange(estimate.FileBytes / 1e9, gigabytes, gigabytes + 0.02);
    }

    [Theory]
    [InlineData("Q2_K")]
    [InlineData("Q3_K_M")]
    [InlineData("Q4_K_M")]
    [InlineData("Q6_K")]
    [InlineData("Q8_0")]
    public void A_quantised_file_has_the_size_that_its_source_foretells(string mix)
    {
        using var folder = new Gguf.TempFolder();
        using GgufFile source = GgufFile.Open(TestData.DemoModelOf("f16"));
        string path = new ModelQuantizer(source, Mix(mix)).Write(folder.PathOf("quantised.gguf"), new QuantizationOptions { Threads = 2 })[0];
        using GgufFile real = GgufFile.Open(path);
        ModelOutline foretold = ModelOutline.FromGguf(source).Quantized(Mix(mix)), found = ModelOutline.FromGguf(real);

        Assert.Equal(real.Tensors.Select(tensor => (tensor.Name, tensor.Type)).Order(), foretold.Tensors.Select(tensor => (tensor.Name, tensor.Type)).Order());
        Assert.Equal(new FileInfo(path).Length, found.FileBytes);
        Assert.InRange(foretold.FileBytes - real.FileBytes, -4096, 4096);
        Assert.Equal(
            ModelSummary.FromGguf(real)!.ActiveBytesPerToken,
            new FitEstimator(Machines.Of(), new FitOptions { ContextLength = 512 }).Estimate(foretold).ActiveBytesPerToken);
    }

    [Theory]
    [InlineData("Q2_K")]
    [InlineData("Q5_K_M")]
    [InlineData("f16")]
    public void A_file_counts_with_the_types_it_has(string mix)
    {
        using GgufFile file = GgufFile.Open(TestData.DemoModelOf(mix));
        ModelOutline model = ModelOutline.FromGguf(file);

        Assert.Equal(new FileInfo(TestData.DemoModelOf(mix)).Length, model.FileBytes);
        Assert.Equal(file.Tensors.Select(tensor => tensor.ByteCount), model.Tensors.Select(tensor => tensor.ByteCount));
    }

    [Fact]
    public void Blocks_for_multi_token_prediction_cost_no_time()
    {
        ModelOutline model = Known("glm-4.5-air").Quantized(Mix("Q4_K_M"));
        var plan = new MemoryPlan(model, new FitOptions());

        Assert.Equal(2.41, (model.Tensors.Sum(tensor => tensor.ByteCount) - plan.Weights.Always - plan.Weights.Routed - plan.Weights.LookedUp) / 1e9, 0.006);
        Assert.Equal(66.02, plan.Weights.Routed / 1e9, 0.006);
        Assert.Equal(4.07, plan.Weights.Always / 1e9, 0.006);
    }

    [Fact]
    public void Other_architectures_are_refused()
    {
        using var folder = new Gguf.TempFolder();
        string path = folder.PathOf("other.gguf");
        using (GgufWriter writer = GgufWriter.Create(path))
        {
            writer.Add("general.architecture", "mamba");
            writer.Complete();
        }

        using GgufFile file = GgufFile.Open(path);
        Assert.Contains("architecture", Assert.Throws<FitException>(() => ModelOutline.FromGguf(file)).Message, StringComparison.Ordinal);
    }

    internal static ModelOutline Known(string name) => ModelOutline.TryFind(name, out ModelOutline? model) ? model : throw new ArgumentException(name);

    internal static QuantMix Mix(string name) => QuantMix.TryFind(name, out QuantMix? mix) ? mix : throw new ArgumentException(name);
}
