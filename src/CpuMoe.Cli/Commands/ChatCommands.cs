using System.Globalization;
using CpuMoe.Cli.Terminal;
using CpuMoe.Cli.Tools;
using CpuMoe.Generation;

namespace CpuMoe.Cli.Commands;

/// <summary>The lines of a chat that start with a slash.</summary>
internal static class ChatCommands
{
    private const string Help = """
        /system TEXT      set the instructions (without TEXT: remove them) and start over
        /think on|off     let the model think before it answers, or not
        /think show|hide  show thoughts, or fold them to one line
        /thought          show the last thought
        /tools            list the tools that the model may call
        /reset            forget the conversation
        /save FILE        write the conversation to a file
        /load FILE        go on with a saved conversation
        /stats            counts and times of the last reply
        /exit             leave
        """;

    /// <summary>Executes a line; false means to leave.</summary>
    public static bool Execute(string line, Conversation conversation, CliConsole console)
    {
        string[] words = line.Split(' ', 2, StringSplitOptions.TrimEntries);
        string argument = words.Length > 1 ? words[1] : "";
        switch (words[0])
        {
            case "/exit" or "/quit":
                return false;
            case "/help":
                console.Error.WriteLine(Help);
                break;
            case "/reset":
                conversation.Reset();
                console.Notice("the conversation is forgotten");
                break;
            case "/system":
                conversation.System = argument.Length > 0 ? argument : null;
                conversation.Reset();
                console.Notice(argument.Length > 0 ? "new instructions; the conversation starts over" : "no instructions; the conversation starts over");
                break;
            case "/think":
                console.Notice(Think(argument, conversation));
                break;
            case "/thought":
                console.Notice(conversation.LastTurn?.Text.Reasoning is { Length: > 0 } thought ? $"the last thought:\n{thought}" : "there was no thought");
                break;
            case "/tools":
                console.Notice(conversation.Tools.Count == 0 ? "there are no tools; --tools and --mcp offer some" : "the model may call");
                foreach (ChatTool tool in conversation.Tools)
                {
                    console.Error.WriteLine($"{OneLine.Of(tool.Definition.Name)} ({tool.Origin}): {OneLine.Of(tool.Definition.Description ?? "")}");
                }

                break;
            case "/save" or "/load" when argument.Length == 0:
                console.Notice($"{words[0]} needs the name of a file");
                break;
            case "/save":
                console.Notice(Try(() => SavedConversation.Save(argument, conversation)) ?? $"saved to {argument}");
                break;
            case "/load":
                console.Notice(Try(() => SavedConversation.Load(argument, conversation)) ?? $"{conversation.Messages.Count} messages of {argument} are loaded");
                break;
            case "/stats":
                console.Notice(Stats(conversation));
                break;
            default:
                console.Notice($"unknown command {words[0]}; /help lists the commands");
                break;
        }

        return true;
    }

    private static string Think(string argument, Conversation conversation)
    {
        switch (argument)
        {
            case "on" or "off":
                conversation.Thinking = argument == "on";
                return $"thinking is {argument}";
            case "show" or "hide":
                conversation.FoldsThoughts = argument == "hide";
                return argument == "hide" ? "thoughts are folded; /thought shows the last one" : "thoughts are shown";
            default:
                return "/think takes on, off, show or hide";
        }
    }

    /// <summary>Does something with a file; returns what went wrong.</summary>
    private static string? Try(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception fault) when (fault is CliException or IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return fault.Message;
        }
    }

    private static string Stats(Conversation conversation)
    {
        if (conversation.LastTurn is not { Timings: GenerationTimings timings } turn)
        {
            return "nothing was generated yet";
        }

        string thought = turn.Finish?.Usage.ReasoningTokens is > 0 and int tokens ? string.Create(CultureInfo.InvariantCulture, $", {tokens} of them thought") : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{timings.Summary(thought)}, context {timings.PromptTokens + timings.GeneratedTokens} of {conversation.ContextLength} tokens");
    }
}
