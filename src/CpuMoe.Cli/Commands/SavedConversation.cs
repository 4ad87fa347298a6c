using System.Text.Json;
using CpuMoe.Chat;

namespace CpuMoe.Cli.Commands;

/// <summary>A conversation as a file: JSON with a version.</summary>
internal sealed record SavedConversation(int Version, string? System, bool? Thinking, SavedMessage?[]? Messages)
{
    private const int CurrentVersion = 1;
    private const long MaxBytes = 64 << 20;

    /// <summary>Writes a conversation; a file that exists is replaced as a whole or not at all.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Save(string path, Conversation conversation)
    {
        SavedConversation saved = new(
            CurrentVersion,
            conversation.System,
            conversation.Thinking,
            [.. conversation.Messages.Select(message => new SavedMessage(
                message.Role.ToString().ToLowerInvariant(),
                message.Content,
                message.Reasoning,
                message.ToolCalls.Count > 0 ? [.. message.ToolCalls.Select(call => new SavedCall(call.Id, call.Name, call.Arguments))] : null,
                message.ToolCallId,
                message.ToolName))]);
        string unfinished = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            File.WriteAllBytes(unfinished, JsonSerializer.SerializeToUtf8Bytes(saved, JsonOutput.Readable.SavedConversation));
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    /// <summary>Reads a conversation in the place of another one, which stays as it is where that fails.</summary>
    /// <exception cref="CliException">The file is none of a conversation.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static void Load(string path, Conversation conversation)
    {
        if (new FileInfo(path) is { Exists: true, Length: > MaxBytes })
        {
            throw new CliException($"{path} is no saved conversation: it is larger than {MaxBytes >> 20} MiB");
        }

        SavedConversation saved;
        try
        {
            saved = JsonSerializer.Deserialize(File.ReadAllBytes(path), JsonOutput.Readable.SavedConversation) ?? throw new CliException($"{path} is no saved conversation");
        }
        catch (JsonException fault)
        {
            throw new CliException($"{path} is no saved conversation: {fault.Message}");
        }

        if (saved.Version != CurrentVersion)
        {
            throw new CliException($"{path} has version {saved.Version}; this program reads version {CurrentVersion}");
        }

        ChatMessage[] messages = [.. (saved.Messages ?? throw new CliException($"{path} has no messages")).Select((message, index) => Read(message, $"{path}: message {index}"))];
        conversation.Restore(messages);
        conversation.System = saved.System;
        conversation.Thinking = saved.Thinking;
    }

    private static ChatMessage Read(SavedMessage? message, string place)
    {
        ChatRole role = message?.Role switch
        {
            "user" => ChatRole.User,
            "assistant" => ChatRole.Assistant,
            "tool" => ChatRole.Tool,
            "system" => ChatRole.System,
            _ => throw new CliException($"{place} has no known role"),
        };
        return new ChatMessage(role, message.Content ?? "", message.Reasoning)
        {
            ToolCalls = [.. (message.ToolCalls ?? []).Select(call => call is { Id: not null, Name: not null, Arguments: not null }
                ? new ToolCall(call.Id, call.Name, call.Arguments)
                : throw new CliException($"{place} has an incomplete call"))],
            ToolCallId = message.ToolCallId,
            ToolName = message.ToolName,
        };
    }
}

/// <summary>A message of a saved conversation.</summary>
internal sealed record SavedMessage(string? Role, string? Content, string? Reasoning, SavedCall?[]? ToolCalls, string? ToolCallId, string? ToolName);

/// <summary>A call of a saved conversation; its arguments are the text of a JSON object.</summary>
internal sealed record SavedCall(string? Id, string? Name, string? Arguments);
