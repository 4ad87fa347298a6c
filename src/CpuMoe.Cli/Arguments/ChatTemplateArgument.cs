using System.CommandLine;
using CpuMoe.Chat.Templates;
using CpuMoe.Cli.Terminal;
using CpuMoe.Generation;

namespace CpuMoe.Cli.Arguments;

/// <summary>The option that replaces the chat template of the model.</summary>
internal sealed class ChatTemplateArgument
{
    /// <summary>Adds the option to a command.</summary>
    public ChatTemplateArgument(Command command) => command.Options.Add(Option);

    /// <summary>The option.</summary>
    public Option<string?> Option { get; } = new("--chat-template")
    {
        HelpName = "FILE",
        Description = "Use the Jinja chat template in this file, not the one of the model",
    };

    /// <summary>The template of the file or, without one, of the model.</summary>
    /// <exception cref="CliException">There is none, or it cannot be used.</exception>
    public ChatTemplate Read(ParseResult arguments, LanguageModel model)
    {
        string? path = arguments.GetValue(Option);
        string source = path is not null ? CliConsole.ReadFile(ModelFileArgument.CheckExists(path))
            : model.Tokenizer.ChatTemplate
            ?? throw new CliException($"{model.File.Path} has no chat template; --chat-template gives it one, 'cpumoe run --raw' continues plain text without one");
        try
        {
            return ChatTemplate.Parse(source, model.Tokenizer.Vocabulary);
        }
        catch (ChatTemplateException fault)
        {
            throw new CliException($"{path ?? model.File.Path}: {fault.Message}; --chat-template uses another one");
        }
    }
}
