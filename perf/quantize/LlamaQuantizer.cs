using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace CpuMoe.QuantizeComparison;

/// <summary>llama_model_quantize of llama.cpp, which the program llama-quantize consists of.</summary>
internal sealed unsafe class LlamaQuantizer
{
    /// <summary>The release whose llama.h <see cref="Parameters"/> follows: another one needs a look at it.</summary>
    private const string KnownRelease = "v0.5.0";

    // GGML_LOG_LEVEL_ERROR, the highest that is a message.
    private const int ErrorLevel = 4;

    private readonly delegate* unmanaged<Parameters> _defaults;
    private readonly delegate* unmanaged<byte*, byte*, Parameters*, uint> _quantize;

    /// <param name="folder">The libraries.</param>
    public LlamaQuantizer(string folder)
    {
        using JsonDocument build = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "_nlcBuildMetadata.json")));
        string? release = build.RootElement.GetProperty("buildOptions").GetProperty("llamaCpp").GetProperty("release").GetString();
        if (release != KnownRelease)
        {
            throw new NotSupportedException($"The llama.cpp in {folder} is {release}, not {KnownRelease}; use the version that perf/compare/package.json pins.");
        }

        nint ggml = NativeLibrary.Load(Path.Combine(folder, $"libggml.{KnownRelease}.so"));
        nint library = NativeLibrary.Load(Path.Combine(folder, $"libllama.{KnownRelease}.so"));
        ((delegate* unmanaged<delegate* unmanaged<int, byte*, void*, void>, void*, void>)NativeLibrary.GetExport(library, "llama_log_set"))(&Log, null);
        fixed (byte* path = Utf8(folder))
        {
            ((delegate* unmanaged<byte*, void>)NativeLibrary.GetExport(ggml, "ggml_backend_load_all_from_path"))(path);
        }

        ((delegate* unmanaged<void>)NativeLibrary.GetExport(library, "llama_backend_init"))();
        _defaults = (delegate* unmanaged<Parameters>)NativeLibrary.GetExport(library, "llama_model_quantize_default_params");
        _quantize = (delegate* unmanaged<byte*, byte*, Parameters*, uint>)NativeLibrary.GetExport(library, "llama_model_quantize");
    }

    /// <summary>Writes a model without an importance matrix.</summary>
    /// <param name="source">The file in floats.</param>
    /// <param name="target">The file to write.</param>
    /// <param name="fileType">The mix, by its llama ftype.</param>
    public void Quantize(string source, string target, int fileType)
    {
        Parameters parameters = _defaults();
        parameters.FileType = fileType;
        fixed (byte* from = Utf8(source), to = Utf8(target))
        {
            uint status = _quantize(from, to, &parameters);
            if (status != 0)
            {
                throw new InvalidOperationException($"llama.cpp could not quantise {source}: {status}.");
            }
        }
    }

    private static byte[] Utf8(string text) => [.. System.Text.Encoding.UTF8.GetBytes(text), 0];

    [UnmanagedCallersOnly]
    private static void Log(int level, byte* text, void* data)
    {
        if (level == ErrorLevel)
        {
            Console.Error.Write(Marshal.PtrToStringUTF8((nint)text));
        }
    }

    /// <summary>llama_model_quantize_params: what is not named stays as the defaults have it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        /// <summary>nthread; 0 means one per processor.</summary>
        public int Threads;

        /// <summary>ftype.</summary>
        public int FileType;

        /// <summary>output_tensor_type, token_embedding_type, six flags, four pointers, two numbers.</summary>
        private Rest _rest;

        [InlineArray(7)]
        private struct Rest
        {
            private long _first;
        }
    }
}
