using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CpuMoe.Experts;

/// <summary>What paging asks of Linux beyond the base class library. Every caller can do without.</summary>
internal static unsafe partial class LinuxCalls
{
    private const int ReadOnly = 0;
    private const int CloseOnExec = 0x80000;
    private const int WillNotNeed = 4;
    private const int RandomAccess = 1;
    private const int HugePages = 14;

    /// <summary>Opens the file behind a handle once more, past the page cache; null where the system or the file system cannot.</summary>
    public static SafeFileHandle? OpenDirect(SafeFileHandle handle)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        int direct = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x10000 : 0x4000;

        // By number, not by path: under the path there may be another file by now.
        int file = Open($"/proc/self/fd/{handle.DangerousGetHandle()}", ReadOnly | direct | CloseOnExec);
        return file < 0 ? null : new SafeFileHandle(file, ownsHandle: true);
    }

    /// <summary>Drops a range of a file from the page cache.</summary>
    public static void DropCached(SafeFileHandle handle, long offset, long length)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Advise((int)handle.DangerousGetHandle(), offset, length, WillNotNeed);
        }
    }

    /// <summary>Says that a file is read here and there, so that nothing is read ahead.</summary>
    public static void ExpectRandomReads(SafeFileHandle handle)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Advise((int)handle.DangerousGetHandle(), 0, 0, RandomAccess);
        }
    }

    /// <summary>Asks for pages of 2 MiB, which spare the processor most of its address translation.</summary>
    public static void PreferHugePages(byte* memory, long length)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = AdviseMemory(memory, (nuint)length, HugePages);
        }
    }

    /// <summary>Gives the pages of a range of private memory back to the system; they read as zero afterwards.</summary>
    public static void Release(byte* memory, long length)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = AdviseMemory(memory, (nuint)length, WillNotNeed);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(int file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int AdviseMemory(byte* memory, nuint length, int advice);
}
