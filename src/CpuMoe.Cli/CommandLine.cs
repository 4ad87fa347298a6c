using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text;
using CpuMoe.Chat.Templates;
using CpuMoe.Cli.Commands;
using CpuMoe.Cli.Terminal;
using CpuMoe.Experts;
using CpuMoe.Fitting;
using CpuMoe.Gguf;
using CpuMoe.Grammars;
using CpuMoe.Quantization;

namespace CpuMoe.Cli;

/// <summary>The <c>cpumoe</c> command: its sub-commands, and how faults become one line and an exit code.</summary>
internal static class CommandLine
{
    private const int BrokenPipe = 32; // EPIPE of Linux and macOS

    /// <summary>Runs one command line; never throws for a fault of the input.</summary>
    public static int Run(string[] args, CliConsole console)
    {
        try
        {
            ParseResult result = CreateRoot(console).Parse(args, new ParserConfiguration
            {
                // Prompts may start with '@' or look like bundled letters.
                ResponseFileTokenReplacer = null,
                EnablePosixBundling = false,
            });
            if (result.Action is ParseErrorAction)
            {
                throw new CliException(Describe(result), ExitCodes.Usage);
            }

            return result.Invoke(new InvocationConfiguration
            {
                Output = console.Out,
                Error = console.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (CliException fault)
        {
            return Report(console, fault.Message, fault.ExitCode);
        }
        catch (IOException fault) when (fault.HResult == BrokenPipe)
        {
            // The reader of the pipe (head, less) has seen enough.
            return ExitCodes.Success;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (Exception fault) when (fault is GgufFormatException or MemoryBudgetException or ChatTemplateException or GrammarException or ExpertTraceException or QuantizationException or FitException
            or IOException or UnauthorizedAccessException)
        {
            return Report(console, fault.Message, ExitCodes.Failure);
        }
        catch (OutOfMemoryException)
        {
            return Report(console, "not enough memory; a smaller --ctx or another --kv-type needs less", ExitCodes.Failure);
        }
        catch (DecoderFallbackException)
        {
            return Report(console, "standard input is not valid UTF-8", ExitCodes.Failure);
        }
        catch (Exception fault)
        {
            return Report(console, $"internal error, please report it: {fault.GetType().Name}: {fault.Message}", ExitCodes.Failure);
        }
    }

    private static Command CreateRoot(CliConsole console)
    {
        HelpOption help = new() { Recursive = true };
        help.Action = new HelpWithExamples();
        Command root = new("cpumoe", "Runs GGUF mixture-of-experts language models (GLM-4.5) on a CPU.")
        {
            help,
            new VersionOption { Action = new PrintVersion() },
            new RunCommand(console),
            new ChatCommand(console),
            new ServeCommand(console),
            new InspectCommand(console),
            new TokenizeCommand(console),
            new DetokenizeCommand(console),
            new PerplexityCommand(console),
            new QuantizeCommand(console),
            new BenchCommand(console),
            new KernelsCommand(console),
            new ExpertsCommand(console),
            new FitCommand(console),
            new PullCommand(console),
            new ListCommand(console),
            new RemoveCommand(console),
        };
        return root;
    }

    private static string Describe(ParseResult result)
    {
        if (result.CommandResult.Command is CliCommand command)
        {
            return $"{result.Errors[0].Message.TrimEnd('.')} (see 'cpumoe {command.Name} --help')";
        }

        string problem = result.UnmatchedTokens is [string word, ..] ? $"unknown command '{word}'" : "no command given";
        return $"{problem} (see 'cpumoe --help')";
    }

    private static int Report(CliConsole console, string message, int exitCode)
    {
        console.Notice(message.ReplaceLineEndings(" "));
        return exitCode;
    }

    /// <summary>The generated help, then the examples of the command.</summary>
    private sealed class HelpWithExamples : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = new HelpAction().Invoke(parseResult);
            if (parseResult.CommandResult.Command is CliCommand command)
            {
                TextWriter output = parseResult.InvocationConfiguration.Output;
                output.WriteLine("Examples:");
                foreach (string example in command.Examples)
                {
                    output.WriteLine($"  {example}");
                }

                output.WriteLine();
            }

            return code;
        }
    }

    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            Version version = typeof(PrintVersion).Assembly.GetName().Version!;
            parseResult.InvocationConfiguration.Output.WriteLine($"cpumoe {version.ToString(3)}");
            return ExitCodes.Success;
        }
    }
}
