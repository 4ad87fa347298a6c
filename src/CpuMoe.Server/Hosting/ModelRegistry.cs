using System.IO.Enumeration;
using CpuMoe.Server.Errors;
using CpuMoe.Serving;

namespace CpuMoe.Server.Hosting;

/// <summary>Finds the model that a request names.</summary>
internal sealed class ModelRegistry(ChatEngine engine, ServerOptions options)
{
    /// <summary>The model that is served.</summary>
    public ServedModel Model { get; } = ServedModel.Of(engine, options.ModelName);

    /// <summary>The model of a name; of none the only one there is.</summary>
    /// <exception cref="ApiException">No model has that name.</exception>
    public ServedModel Resolve(string? name) => name is null || Knows(name) ? Model
        : throw new ApiException(new ApiError(ApiErrorKind.ModelNotFound, $"The model '{name}' does not exist; this server has '{Model.Name}'.") { Parameter = "model" });

    /// <summary>Whether a name stands for the model.</summary>
    public bool Knows(string name) => options.AcceptAnyModelName || name == Model.Name
        || options.Aliases.Any(alias => FileSystemName.MatchesSimpleExpression(alias, name, ignoreCase: false));
}
