using System.Text.Json;

namespace CpuMoe.Chat.Templates;

/// <summary>The variables that a template gets: messages and tools in the shape of OpenAI's API.</summary>
internal static class PromptVariables
{
    /// <summary>
    /// Typed at the end of a user's message, it turns thinking off for the turn. It is a control token of GLM, the only
    /// one that users are meant to write.
    /// </summary>
    private const string NoThink = "/nothink";

    /// <summary>The names by which templates know whether the model may think.</summary>
    public static IReadOnlyList<string> ThinkingSwitches { get; } = ["enable_thinking", "thinking"];

    /// <summary>Puts the variables into a scope.</summary>
    public static void AddTo(Scope scope, IReadOnlyList<ChatMessage> messages, PromptOptions options)
    {
        if (options.EnableThinking is { } thinking)
        {
            foreach (string name in ThinkingSwitches)
            {
                scope.Set(name, BooleanValue.Of(thinking));
            }
        }

        foreach ((string name, JsonElement value) in options.Variables)
        {
            scope.Set(name, Variable(name, value));
        }

        scope.Set("messages", new ListValue([.. messages.Select(Message)]));
        scope.Set("tools", options.Tools.Count > 0 ? new ListValue([.. options.Tools.Select(Tool)]) : NoneValue.Instance);
        scope.Set("add_generation_prompt", BooleanValue.Of(options.AddGenerationPrompt));
    }

    private static Value Variable(string name, JsonElement value)
    {
        try
        {
            return JsonValues.From(value);
        }
        catch (InvalidOperationException fault)
        {
            throw new ArgumentException($"The variable '{name}' holds a string that is no valid Unicode.", fault);
        }
    }

    private static MapValue Message(ChatMessage message, int index)
    {
        bool isAbsent = message.Content.Length == 0 && message.ToolCalls.Count > 0;
        MapValue map = new()
        {
            ["role"] = TextValue.Trusted(NameOf(message.Role, index)),
            ["content"] = isAbsent ? TextValue.Absent : message.Role == ChatRole.User ? UserText(message.Content) : TextValue.Outside(message.Content),
        };
        AddText(map, "reasoning_content", message.Reasoning);
        if (message.ToolCalls.Count > 0)
        {
            map["tool_calls"] = new ListValue([.. message.ToolCalls.Select(Call)]);
        }

        AddText(map, "tool_call_id", message.ToolCallId);
        AddText(map, "name", message.ToolName);
        return map;
    }

    private static string NameOf(ChatRole role, int index) => role switch
    {
        ChatRole.System => "system",
        ChatRole.User => "user",
        ChatRole.Assistant => "assistant",
        ChatRole.Tool => "tool",
        _ => throw new ArgumentException($"Message {index} has the role {role}, which does not exist."),
    };

    private static TextValue UserText(string text) => text.EndsWith(NoThink, StringComparison.Ordinal)
        ? new TextValue(text, [text.Length - NoThink.Length])
        : TextValue.Outside(text);

    private static MapValue Call(ToolCall call)
    {
        TextValue text = TextValue.Outside(call.Arguments);
        Value? arguments = JsonValues.TryParse(call.Arguments);
        if (arguments is MapValue map)
        {
            map.Source = text;
        }
        else
        {
            arguments = text; // What a model wrote that is no JSON object.
        }

        MapValue function = new() { ["name"] = TextValue.Outside(call.Name), ["arguments"] = arguments };
        return new MapValue { ["id"] = TextValue.Outside(call.Id), ["type"] = TextValue.Trusted("function"), ["function"] = function };
    }

    private static MapValue Tool(ToolDefinition tool)
    {
        MapValue function = new() { ["name"] = TextValue.Outside(tool.Name) };
        AddText(function, "description", tool.Description);
        if (tool.Parameters is not null)
        {
            function["parameters"] = JsonValues.TryParse(tool.Parameters) as MapValue
                ?? throw new ArgumentException($"The parameters of the tool '{tool.Name}' are no JSON object.");
        }

        return new MapValue { ["type"] = TextValue.Trusted("function"), ["function"] = function };
    }

    private static void AddText(MapValue map, string key, string? text)
    {
        if (text is not null)
        {
            map[key] = TextValue.Outside(text);
        }
    }
}
