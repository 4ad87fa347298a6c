using System.Text;
using Microsoft.Win32.SafeHandles;

namespace CpuMoe.Cli.Terminal;

/// <summary>The three streams of a command, and what they are connected to.</summary>
internal sealed class CliConsole
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>A console over the given streams, none of them a terminal unless said so.</summary>
    /// <param name="input">Standard input; should throw <see cref="DecoderFallbackException"/> on ill-formed text.</param>
    /// <param name="output">Standard output: results only.</param>
    /// <param name="error">Standard error: notices, thoughts, progress.</param>
    public CliConsole(TextReader input, TextWriter output, TextWriter error)
    {
        In = input;
        Out = output;
        Error = error;
    }

    public TextReader In { get; }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    public bool InIsTerminal { get; init; }

    public bool OutIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    /// <summary>Whether the user allows escape sequences on a terminal (https://no-color.org).</summary>
    public bool UseColor { get; init; }

    public Interrupts Interrupts { get; } = new();

    /// <summary>The streams of this process.</summary>
    public static CliConsole OfProcess()
    {
        if (OperatingSystem.IsWindows())
        {
            Console.InputEncoding = Console.OutputEncoding = new UTF8Encoding(false);
        }

        // On a terminal Console.In edits lines; elsewhere ill-formed bytes must be seen.
        TextReader input = Console.IsInputRedirected ? Utf8Reader(Console.OpenStandardInput()) : Console.In;
        TextWriter output = new StreamWriter(OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };
        return new CliConsole(input, output, Console.Error)
        {
            InIsTerminal = !Console.IsInputRedirected,
            OutIsTerminal = !Console.IsOutputRedirected,
            ErrorIsTerminal = !Console.IsErrorRedirected,
            UseColor = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && UnderstandsEscapes(),
        };
    }

    /// <summary>A reader that throws <see cref="DecoderFallbackException"/> on ill-formed UTF-8.</summary>
    public static TextReader Utf8Reader(Stream stream) => new StreamReader(stream, StrictUtf8, detectEncodingFromByteOrderMarks: false);

    /// <summary>Reads a text file of well-formed UTF-8.</summary>
    public static string ReadFile(string path)
    {
        try
        {
            return StrictUtf8.GetString(File.ReadAllBytes(path));
        }
        catch (DecoderFallbackException)
        {
            throw new CliException($"{path} is not valid UTF-8");
        }
    }

    /// <summary>Writes one line for the user to standard error.</summary>
    public void Notice(string message) => Error.WriteLine($"cpumoe: {message}");

    // The old console of Windows shows escape sequences as they are, Windows Terminal obeys them.
    private static bool UnderstandsEscapes() => !OperatingSystem.IsWindows() || Environment.GetEnvironmentVariable("WT_SESSION") is not null;

    // Console streams ignore a closed pipe and a command would generate on for nobody. A FileStream reports it, but
    // keeps its own position, which must not be done to a file that standard error may share.
    private static Stream OpenStandardOutput()
    {
        if (Console.IsOutputRedirected && !OperatingSystem.IsWindows())
        {
            FileStream output = new(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!output.CanSeek)
            {
                return output;
            }
        }

        return Console.OpenStandardOutput();
    }
}
