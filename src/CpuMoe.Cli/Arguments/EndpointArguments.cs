using System.CommandLine;
using System.Net;
using System.Text;
using CpuMoe.Cli.Terminal;
using CpuMoe.Server;

namespace CpuMoe.Cli.Arguments;

/// <summary>The options that say where a server listens, who may use it and under which names.</summary>
internal sealed class EndpointArguments
{
    private const string KeyVariable = "CPUMOE_API_KEY";
    private const int DefaultPort = 8080;

    private readonly Option<IPAddress?> _host = new("--host")
    {
        HelpName = "ADDRESS",
        Description = "The address to listen on; 0.0.0.0 or :: for all, which gives everybody in the network access [127.0.0.1]",
        CustomParser = result =>
        {
            string text = result.Tokens[^1].Value;
            if (text == "localhost")
            {
                return IPAddress.Loopback;
            }

            if (IPAddress.TryParse(text, out IPAddress? address))
            {
                return address;
            }

            result.AddError($"--host must be an IP address or localhost, not '{text}'");
            return null;
        },
    };

    private readonly Option<int?> _port = NumberOption.Create<int>("--port", "P", $"The port; 0 takes a free one [{DefaultPort}]", p => p is >= 0 and <= 65535, "an integer from 0 to 65535");

    private readonly Option<string[]> _keys = new("--api-key")
    {
        HelpName = "KEY",
        Description = $"A key that clients must send (repeatable); others see it in the list of processes, unlike one in {KeyVariable} or a file",
    };

    private readonly Option<string?> _keyFile = new("--api-key-file") { HelpName = "FILE", Description = "A file of keys, one on each line" };

    private readonly Option<string[]> _origins = new("--cors-origin")
    {
        HelpName = "URL",
        Description = "An origin such as https://chat.example.org whose pages may use the server (repeatable)",
    };

    private readonly Option<string[]> _allowedHosts = new("--allowed-host")
    {
        HelpName = "NAME",
        Description = "A name beside localhost under which the server is reached through this machine, as behind a proxy (repeatable)",
    };

    private readonly Option<string[]> _aliases = new("--alias")
    {
        HelpName = "NAME",
        Description = "Another name of the model; * stands for any text, as in \"claude-*\" (repeatable)",
    };

    private readonly Option<bool> _anyModel = new("--any-model") { Description = "Take every name of a model for this one" };

    /// <summary>Adds the options to a command.</summary>
    public EndpointArguments(Command command)
    {
        foreach (Option option in (Option[])[_host, _port, _keys, _keyFile, _origins, _allowedHosts, _aliases, _anyModel])
        {
            command.Options.Add(option);
        }

        _keys.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => !IsKey(token.Value)))
            {
                result.AddError("--api-key must be visible ASCII characters without spaces");
            }
        });
        _origins.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => !IsOrigin(token.Value)) is { } wrong)
            {
                result.AddError($"--cors-origin must be a scheme, a host and possibly a port, such as https://chat.example.org, not '{wrong.Value}'");
            }
        });
    }

    /// <summary>Where to listen.</summary>
    public IPEndPoint Endpoint(ParseResult arguments) => new(arguments.GetValue(_host) ?? IPAddress.Loopback, arguments.GetValue(_port) ?? DefaultPort);

    /// <summary>All keys that the user gave; without any, everybody may use the server.</summary>
    /// <exception cref="CliException">A key that no client can send, or a file without any.</exception>
    public IReadOnlyList<string> Keys(ParseResult arguments)
    {
        List<string> keys = [.. arguments.GetValue(_keys) ?? []];
        if (Environment.GetEnvironmentVariable(KeyVariable) is { Length: > 0 } key)
        {
            keys.Add(IsKey(key) ? key : throw new CliException($"the key in {KeyVariable} must be visible ASCII characters without spaces"));
        }

        if (arguments.GetValue(_keyFile) is { } path)
        {
            string[] lines = [.. CliConsole.ReadFile(ModelFileArgument.CheckExists(path)).Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)];
            keys.AddRange(lines.Length > 0 && lines.All(IsKey) ? lines : throw new CliException($"{path} must have keys of visible ASCII characters, one on each line"));
        }

        return keys;
    }

    /// <summary>Sets what the user chose.</summary>
    public void Apply(ParseResult arguments, IReadOnlyList<string> keys, ServerOptions options)
    {
        options.AcceptAnyModelName = arguments.GetValue(_anyModel);
        AddTo(options.Aliases, arguments.GetValue(_aliases));
        AddTo(options.ApiKeys, keys);
        AddTo(options.AllowedHosts, arguments.GetValue(_allowedHosts));
        AddTo(options.CorsOrigins, arguments.GetValue(_origins)?.Select(origin => origin.TrimEnd('/')));
    }

    private static void AddTo(IList<string> list, IEnumerable<string>? values)
    {
        foreach (string value in values ?? [])
        {
            list.Add(value);
        }
    }

    private static bool IsKey(string text) => text.Length > 0 && Ascii.IsValid(text) && !text.Any(c => char.IsControl(c) || c == ' ');

    private static bool IsOrigin(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri)
        && uri.Scheme is "http" or "https" && string.Equals(uri.GetLeftPart(UriPartial.Authority), text.TrimEnd('/'), StringComparison.OrdinalIgnoreCase);
}
