using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CpuMoe.Testing;

/// <summary>
/// Memory that ends exactly where a page without access begins: a read or write past the end ends the process.
/// </summary>
public sealed unsafe partial class GuardedBuffer : IDisposable
{
    private readonly void* _pages;
    private readonly nuint _size;

    /// <summary>Reserves <paramref name="bytes"/> bytes, cleared, followed by the guard page.</summary>
    public GuardedBuffer(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        nuint page = (nuint)Environment.SystemPageSize;
        nuint usable = ((nuint)bytes + page - 1) / page * page;
        _size = usable + page;
        _pages = Reserve(_size);
        Forbid((byte*)_pages + usable, page);
        Start = (byte*)_pages + usable - bytes;
        Length = bytes;
    }

    /// <summary>The first byte. Its alignment is that of the length.</summary>
    public byte* Start { get; }

    /// <summary>Bytes that may be touched.</summary>
    public int Length { get; }

    /// <summary>The bytes.</summary>
    public Span<byte> Span => new(Start, Length);

    /// <summary>A buffer with a copy of <paramref name="values"/>.</summary>
    public static GuardedBuffer Of<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        GuardedBuffer buffer = new(values.Length * sizeof(T));
        MemoryMarshal.AsBytes(values).CopyTo(buffer.Span);
        return buffer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (OperatingSystem.IsWindows())
        {
            VirtualFree(_pages, 0, MemRelease);
        }
        else
        {
            Unmap(_pages, _size);
        }
    }

    private static void* Reserve(nuint size)
    {
        void* pages;
        if (OperatingSystem.IsWindows())
        {
            pages = VirtualAlloc(null, size, MemReserveAndCommit, PageReadWrite);
        }
        else
        {
            pages = Map(null, size, ProtReadWrite, OperatingSystem.IsMacOS() ? MapPrivateAnonymousMac : MapPrivateAnonymousLinux, -1, 0);
            pages = pages == (void*)-1 ? null : pages;
        }

        return pages != null ? pages : throw new Win32Exception();
    }

    private static void Forbid(void* address, nuint size)
    {
        bool done = OperatingSystem.IsWindows()
            ? VirtualProtect(address, size, PageNoAccess, out _) != 0
            : Protect(address, size, ProtNone) == 0;
        if (!done)
        {
            throw new Win32Exception();
        }
    }

    private const int ProtNone = 0;
    private const int ProtReadWrite = 3;
    private const int MapPrivateAnonymousLinux = 0x22;
    private const int MapPrivateAnonymousMac = 0x1002;
    private const uint MemReserveAndCommit = 0x3000;
    private const uint MemRelease = 0x8000;
    private const uint PageNoAccess = 1;
    private const uint PageReadWrite = 4;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(void* address, nuint length);

    [LibraryImport("kernel32", SetLastError = true)]
    private static partial void* VirtualAlloc(void* address, nuint size, uint type, uint protection);

    [LibraryImport("kernel32", SetLastError = true)]
    private static partial int VirtualProtect(void* address, nuint size, uint protection, out uint previous);

    [LibraryImport("kernel32", SetLastError = true)]
    private static partial int VirtualFree(void* address, nuint size, uint type);
}
