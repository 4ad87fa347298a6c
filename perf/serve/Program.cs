using System.CommandLine;
using CpuMoe.ServerLoad;

Option<string?> model = new("--model", "-m") { HelpName = "FILE", Description = "The model [the bundled one]" };
Option<int> slots = new("--slots") { HelpName = "N", Description = "Slots that are compared with one", DefaultValueFactory = _ => 4 };
Option<int> streams = new("--streams") { HelpName = "N", Description = "Streams at once", DefaultValueFactory = _ => 32 };
Option<double> seconds = new("--seconds") { HelpName = "S", Description = "How long they go on; 0 leaves the load out", DefaultValueFactory = _ => 60 };
Option<int> tokens = new("--tokens", "-n") { HelpName = "N", Description = "Tokens of each reply", DefaultValueFactory = _ => 96 };
Option<int> prompts = new("--prompts") { HelpName = "N", Description = "Different prompts", DefaultValueFactory = _ => 40 };
Option<int> promptTokens = new("--prompt-tokens", "-p") { HelpName = "N", Description = "Tokens of the prompts around a restart; 0 leaves it out", DefaultValueFactory = _ => 1500 };
Argument<string[]> server = new("SERVER") { HelpName = "-- OPTIONS", Description = "More options of cpumoe serve" };
RootCommand command = new("Puts cpumoe serve under load: many streams on several slots and on one, each compared with its reply alone; then long prompts before and after a restart with a prompt cache. Ends with 1 where something is not as it must be.")
{
    model, slots, streams, seconds, tokens, prompts, promptTokens, server,
};
command.SetAction(async arguments =>
{
    LoadOptions options = new()
    {
        Server = [.. arguments.GetValue(model) is { } path ? (string[])["-m", path] : [], .. arguments.GetValue(server) ?? []],
        Slots = arguments.GetValue(slots),
        Streams = arguments.GetValue(streams),
        Time = TimeSpan.FromSeconds(arguments.GetValue(seconds)),
        Tokens = arguments.GetValue(tokens),
        Prompts = arguments.GetValue(prompts),
        PromptTokens = arguments.GetValue(promptTokens),
    };
    Report report = new(arguments.InvocationConfiguration.Output);
    if (options.Time > TimeSpan.Zero)
    {
        await new LoadMeasurement(options, report).RunAsync();
    }

    if (options.PromptTokens > 0)
    {
        await new RestartMeasurement(options, report).RunAsync();
    }

    report.End();
    return report.IsGood ? 0 : 1;
});
return await command.Parse(args).InvokeAsync();
