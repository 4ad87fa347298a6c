// One question, asked through each of the three doors of the library.
using System.Text;
using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Extensions.AI;
using CpuMoe.Generation;
using CpuMoe.Serving;
using Microsoft.Extensions.AI;
using ChatMessage = CpuMoe.Chat.ChatMessage;
using ChatRole = CpuMoe.Chat.ChatRole;

const string Question = "What is the capital of France?";
using LanguageModel model = LanguageModel.Load(args[0]);
ChatMessage[] messages = [new(ChatRole.User, Question)];
GenerationOptions greedy = new() { Sampling = SamplerOptions.Greedy, MaxTokens = 64 };

StringBuilder text = new();
using (Session session = model.CreateSession())
{
    RenderedPrompt rendered = ChatTemplate.Of(model.Tokenizer).Render(messages, new PromptOptions { EnableThinking = false });
    foreach (GenerationUpdate update in session.Generate(model.Tokenizer.Encode(rendered.Segments), greedy))
    {
        text.Append(update.Text);
    }
}

Console.WriteLine($"session: {text.ToString().Trim()}");

await using Scheduler scheduler = new(model);
ChatEngine engine = new(scheduler);
text.Clear();
await foreach (ChatUpdate update in engine.Submit(new ChatRequest { Messages = messages, Thinking = false, Generation = greedy }))
{
    text.AppendJoin("", update.Parts.OfType<ContentPart>().Select(part => part.Text));
}

Console.WriteLine($"engine: {text.ToString().Trim()}");

using IChatClient client = new CpuMoeChatClient(engine);
ChatResponse response = await client.GetResponseAsync(Question, new ChatOptions
{
    Temperature = 0,
    MaxOutputTokens = 64,
    Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None },
});
Console.WriteLine($"client: {response.Text.Trim()}");
