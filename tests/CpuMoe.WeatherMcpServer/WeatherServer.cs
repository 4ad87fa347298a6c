using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace CpuMoe.WeatherMcpServer;

/// <summary>An MCP server on standard input and output with one tool, <c>get_weather</c>, that can misbehave.</summary>
public static class WeatherServer
{
    private const string Schema = """{"type":"object","properties":{"city":{"type":"string","description":"The name of the city."}},"required":["city"]}""";
    private const string BadSchema = """{"type":"object","properties":{"city":{"type":"nonsense"}}}""";

    /// <summary>Runs until the input ends; the only argument says what goes wrong: nothing, silent, dies, hangs, fails, throws, bad-schema.</summary>
    public static async Task<int> Main(string[] args)
    {
        string mode = args is [string only] ? only : "";
        if (mode == "silent")
        {
            await Console.In.ReadToEndAsync();
            return 0;
        }

        McpServerOptions options = new()
        {
            ServerInfo = new Implementation { Name = "weather", Version = "1.0.0" },
            Handlers = new McpServerHandlers
            {
                ListToolsHandler = (_, _) => ValueTask.FromResult(new ListToolsResult { Tools = [.. ToolsOf(mode)] }),
                CallToolHandler = (request, cancellationToken) => CallAsync(mode, request.Params!, cancellationToken),
            },
        };
        await using McpServer server = McpServer.Create(new StdioServerTransport("weather"), options);
        await server.RunAsync();
        return 0;
    }

    private static IEnumerable<Tool> ToolsOf(string mode)
    {
        yield return new Tool { Name = "get_weather", Description = "Get the current weather for a city.", InputSchema = JsonElement.Parse(Schema) };
        if (mode == "bad-schema")
        {
            yield return new Tool { Name = "get_climate", InputSchema = JsonElement.Parse(BadSchema) };
        }
    }

    private static async ValueTask<CallToolResult> CallAsync(string mode, CallToolRequestParams call, CancellationToken cancellationToken)
    {
        switch (mode)
        {
            case "dies":
                await Console.Error.WriteLineAsync("out of weather");
                Environment.Exit(3);
                break;
            case "hangs":
                await Task.Delay(Timeout.Infinite, cancellationToken);
                break;
            case "throws":
                throw new McpProtocolException("no such station", McpErrorCode.InternalError);
        }

        string city = call.Arguments!["city"].GetString()!;
        string text = mode == "fails" ? $"{city} is \e[31munknown" : $$"""{"city": "{{city}}", "temperature": 17, "condition": "cloudy"}""";
        return new CallToolResult { Content = [new TextContentBlock { Text = text }], IsError = mode == "fails" };
    }
}
