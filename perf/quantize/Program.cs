using System.CommandLine;
using System.Globalization;
using CpuMoe.QuantizeComparison;

Argument<string[]> models = new("MODEL") { Description = "GGUF files in F16 or F32 whose tensors fit in memory", Arity = ArgumentArity.OneOrMore };
Option<string> mixes = new("--mixes")
{
    HelpName = "TYPE,...",
    Description = "What to write",
    DefaultValueFactory = _ => "Q8_0,Q6_K,Q5_K_M,Q4_K_M,Q3_K_M,Q2_K,Q4_0",
};
Option<string> llama = new("--llama") { HelpName = "FOLDER", Description = "The prebuilt llama.cpp of node-llama-cpp, set by ./run", Required = true };
Option<string?> text = new("--text") { HelpName = "FILE", Description = "A text for the perplexity, set by ./run" };
Option<string?> recorded = new("--recorded") { HelpName = "FILE", Description = "Perplexities of the demo model that were recorded, set by ./run" };
RootCommand command = new(
    "Quantises the same file here and with llama.cpp, and compares types, errors and perplexities. Ends with 1 where a tensor has another type, "
    + $"an error is more than {Limits.Error.ToString(CultureInfo.InvariantCulture)} or a perplexity more than {Limits.Perplexity.ToString(CultureInfo.InvariantCulture)} times that of llama.cpp.")
{
    models, mixes, llama, text, recorded,
};
command.SetAction(arguments =>
{
    LlamaQuantizer theirs = new(arguments.GetRequiredValue(llama));
    Comparison comparison = new(theirs, arguments.InvocationConfiguration.Output)
    {
        Text = arguments.GetValue(text) is { } file ? File.ReadAllText(file) : null,
        Recorded = RecordedPerplexity.Read(arguments.GetValue(recorded)),
    };
    foreach (string model in arguments.GetRequiredValue(models))
    {
        foreach (string mix in arguments.GetRequiredValue(mixes).Split(','))
        {
            comparison.Run(model, mix);
        }
    }

    return comparison.IsGood ? 0 : 1;
});
return command.Parse(args).Invoke();
