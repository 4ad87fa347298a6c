using CpuMoe.Fitting;

namespace CpuMoe.Cli;

/// <summary>The output of <c>fit --json</c>.</summary>
/// <param name="Machine">What was measured here, or given with --machine.</param>
/// <param name="Context">Tokens in the KV cache.</param>
/// <param name="KvType">The format of the KV cache.</param>
/// <param name="PromptTokens">The prompt that prefill is estimated for.</param>
/// <param name="Models">By model the rows of this machine and of the devices.</param>
internal sealed record FitOutput(MachineProfile Machine, int Context, string KvType, int PromptTokens, FitModelOutput[] Models);

/// <summary>A model.</summary>
internal sealed record FitModelOutput(string Model, long Parameters, FitMachineOutput[] Machines);

/// <summary>A machine.</summary>
/// <param name="Machine">Its name.</param>
/// <param name="MemoryBytes">What a model may use there; absent where there is no bound.</param>
/// <param name="Rows">By quantisation.</param>
internal sealed record FitMachineOutput(string Machine, long? MemoryBytes, FitRowOutput[] Rows);

/// <summary>A quantisation; speeds in tokens per second.</summary>
/// <param name="Quantization">The name of the mix; <c>file</c> where that of a file is unknown.</param>
/// <param name="IsFile">Whether these are the types of the file that was named.</param>
/// <param name="FileBytes">The size of the file.</param>
/// <param name="ResidentBytes">Memory to hold it all.</param>
/// <param name="SmallestBytes">The least memory, with paging.</param>
/// <param name="ActiveBytesPerToken">Weights read per token.</param>
/// <param name="Fits">Whether all is held in the memory there is.</param>
/// <param name="DecodeResident">Decode with all in memory.</param>
/// <param name="PrefillResident">Prefill with all in memory.</param>
/// <param name="DecodePaged">Decode with the memory there is; absent where all fits or nothing runs.</param>
/// <param name="PrefillPaged">Prefill with the memory there is.</param>
/// <param name="HitRate">The share of expert requests expected to be found in memory, 0 to 1.</param>
/// <param name="Quality">Its class.</param>
/// <param name="Grade">SS, S, A, B, C or F.</param>
internal sealed record FitRowOutput(
    string Quantization, bool IsFile, long FileBytes, long ResidentBytes, long SmallestBytes, long ActiveBytesPerToken, bool Fits,
    double DecodeResident, double PrefillResident, double? DecodePaged, double? PrefillPaged, double? HitRate, string Quality, string Grade)
{
    public static FitRowOutput From(string quantization, bool isFile, FitEstimate estimate) => new(
        quantization, isFile, estimate.FileBytes, estimate.ResidentBytes, estimate.SmallestBytes, estimate.ActiveBytesPerToken, estimate.Fits,
        estimate.Resident.Decode, estimate.Resident.Prefill, estimate.Paged?.Decode, estimate.Paged?.Prefill, estimate.HitRate,
        QuantQuality.Of(quantization), estimate.Grade.ToString());
}
