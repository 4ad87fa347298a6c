using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using CpuMoe.Experts;
using CpuMoe.Gguf;
using CpuMoe.Tests.Gguf;
using CpuMoe.Tests.Models;

namespace CpuMoe.Tests.Experts;

public sealed unsafe partial class ReadProbeTests
{
    private const int FileBytes = 160 << 20;

    /// <summary>What is probed at most: four turns of eight reads, each in a block of the page cache.</summary>
    private const int ProbedBytes = 32 * (2 << 20);

    [Fact]
    public void WhatIsNotProbedStaysInThePageCache()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The page cache can be looked into on Linux only.");
        using var folder = new TempFolder();
        string path = folder.PathOf("large.gguf");
        new TinyGlm().Build().Write(path);
        using (FileStream stream = new(path, FileMode.Open))
        {
            // Holes of the file come into the page cache as other contents do.
            stream.SetLength(FileBytes);
            stream.Flush(flushToDisk: true);
        }

        byte[] piece = new byte[1 << 20];
        using (FileStream stream = File.OpenRead(path))
        {
            while (stream.Read(piece) > 0)
            {
            }
        }

        int before = CachedBytes(path);
        using GgufFile file = GgufFile.Open(path);
        using (FileReader.Open(file))
        {
            Assert.InRange(before, FileBytes / 2, FileBytes);
            Assert.InRange(CachedBytes(path), before - ProbedBytes, FileBytes);
        }
    }

    private static int CachedBytes(string path)
    {
        using var mapped = MemoryMappedFile.CreateFromFile(path, FileMode.Open);
        using MemoryMappedViewAccessor view = mapped.CreateViewAccessor();
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            byte[] pages = new byte[FileBytes / Environment.SystemPageSize];
            fixed (byte* states = pages)
            {
                Assert.Equal(0, PagesInMemory(start, FileBytes, states));
            }

            return pages.Count(state => (state & 1) != 0) * Environment.SystemPageSize;
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    [LibraryImport("libc", EntryPoint = "mincore", SetLastError = true)]
    private static partial int PagesInMemory(byte* start, nuint length, byte* states);
}
