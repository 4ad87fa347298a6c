using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using System.Text;
using CpuMoe.Gguf;
using CpuMoe.Models;

namespace CpuMoe.Generation;

/// <summary>Tells models apart by what their keys and values depend on, wherever the file lies and whatever it is called.</summary>
internal static class ModelFingerprint
{
    // Of each tensor its directory entry and this much from its start and its middle: weights that differ, differ there.
    private const int SampleBytes = 4096;

    /// <summary>A hash of the tensors, the build of the engine and the kernels that this machine takes.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static byte[] Of(GgufFile file, ComputePath compute)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append($"{typeof(ModelFingerprint).Module.ModuleVersionId} {compute} {Vector256.IsHardwareAccelerated} {Vector512.IsHardwareAccelerated} {file.FileBytes}");
        byte[] sample = new byte[SampleBytes];
        foreach (GgufTensor tensor in file.Tensors)
        {
            Append($"{tensor.Name} {tensor.Type} {string.Join('x', tensor.Dimensions)} {tensor.FileOffset}");
            Sample(tensor, 0);
            Sample(tensor, tensor.ByteCount / 2);
        }

        return hash.GetHashAndReset();

        void Append(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text));

        // Not through the mapping: a part of a paged model would stay in memory for it.
        void Sample(GgufTensor tensor, long offset)
        {
            int length = (int)Math.Min(SampleBytes, tensor.ByteCount - offset);
            int got = RandomAccess.Read(file.Handle(tensor.Shard), sample.AsSpan(0, length), tensor.FileOffset + offset);
            hash.AppendData(sample.AsSpan(0, got));
        }
    }
}
