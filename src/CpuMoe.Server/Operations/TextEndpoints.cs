using CpuMoe.Server.Hosting;
using CpuMoe.Server.OpenAi;
using CpuMoe.Server.Requests;
using CpuMoe.Serving;
using CpuMoe.Text;

namespace CpuMoe.Server.Operations;

/// <summary>Turns text into tokens and back, and conversations into prompts, without generating.</summary>
internal static class TextEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static void Map(ApiRoutes routes)
    {
        routes.MapPost("/tokenize", TokenizeAsync);
        routes.MapPost("/detokenize", DetokenizeAsync);
        routes.MapPost("/apply-template", ApplyTemplateAsync);
    }

    private static async Task TokenizeAsync(ApiCall call)
    {
        RequestValue body = await call.ReadJsonAsync();
        Tokenizer tokenizer = call.Server.Models.Model.Scheduler.Model.Tokenizer;
        int[] ids = tokenizer.Encode(body.Required("content").AsString(), body.Member("parse_special")?.AsBool() ?? true);
        if ((body.Member("add_special")?.AsBool() ?? false) && tokenizer.Vocabulary.AddBos)
        {
            ids = [tokenizer.Vocabulary.Bos, .. ids];
        }

        await (body.Member("with_pieces")?.AsBool() ?? false
            ? call.WriteJsonAsync(new PiecesResponse([.. ids.Select(id => new TokenPiece(id, TokenBytes.Of(id, tokenizer)))]), OperationsJson.Default.PiecesResponse)
            : call.WriteJsonAsync(new TokensResponse(ids), OperationsJson.Default.TokensResponse));
    }

    private static async Task DetokenizeAsync(ApiCall call)
    {
        RequestValue body = await call.ReadJsonAsync();
        Tokenizer tokenizer = call.Server.Models.Model.Scheduler.Model.Tokenizer;
        int[] ids = [.. body.Required("tokens").Items().Select(id => id.AsInt(0, tokenizer.Vocabulary.Count - 1))];
        await call.WriteJsonAsync(new TextResponse(tokenizer.Decode(ids, showControl: true)), OperationsJson.Default.TextResponse);
    }

    private static async Task ApplyTemplateAsync(ApiCall call)
    {
        RequestValue body = await call.ReadJsonAsync();
        Thinking thinking = Thinking.Read(body);
        ChatRequest request = new()
        {
            Messages = MessageReader.Read(body.Required("messages")),
            Tools = ToolReader.ReadTools(body.Member("tools")),
            Thinking = thinking.Wanted,
            TemplateVariables = thinking.Variables,
        };
        string prompt;
        try
        {
            prompt = call.Server.Models.Model.Engine.Render(request).Text;
        }
        catch (ArgumentException fault)
        {
            throw AdmittedReply.Refusal(fault);
        }

        await call.WriteJsonAsync(new PromptResponse(prompt), OperationsJson.Default.PromptResponse);
    }
}
