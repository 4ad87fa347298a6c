using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Commands;

/// <summary>The lines of a chat that start with a slash.</summary>
internal static class ChatCommands
{
    private const string Help = """
        /system TEXT    set the instructions (without TEXT: remove them) and start over
        /think on|off   let the model think before it answers, or not
        /reset          forget the conversation
        /stats          counts and times of the last reply
        /exit           leave
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
            case "/think" when argument is "on" or "off":
                conversation.Thinking = argument == "on";
                console.Notice($"thinking is {argument}");
                break;
            case "/think":
                console.Notice("/think takes on or off");
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

    private static string Stats(Conversation conversation)
    {
        (int used, int capacity) = conversation.Context;
        return conversation.LastTimings is { } timings
            ? $"{timings.Summary()}, context {used} of {capacity} tokens"
            : "nothing was generated yet";
    }
}
