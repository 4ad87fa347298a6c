// The endpoints in an application of one's own.
using CpuMoe.Generation;
using CpuMoe.Server;
using CpuMoe.Serving;

using LanguageModel model = LanguageModel.Load(args[0]);
await using Scheduler scheduler = new(model, new SchedulerOptions { Slots = 2 });

WebApplicationBuilder builder = WebApplication.CreateBuilder();
builder.Services.AddCpuMoeServer(new ChatEngine(scheduler), options => options.ModelName = "demo");
WebApplication app = builder.Build();
app.MapGet("/mine", () => "still here");
app.MapCpuMoe();
await app.RunAsync();
