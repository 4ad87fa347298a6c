using System.Runtime.InteropServices;

namespace CpuMoe.Compute;

/// <summary>Native memory for an array, aligned and freed by its owner. The contents start undefined.</summary>
/// <remarks>The operating system commits large buffers page by page as they are touched.</remarks>
internal sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    /// <summary>A cache line.</summary>
    private const int DefaultAlignment = 64;

    private T* _pointer;

    /// <param name="length">The number of elements, 0 or more.</param>
    /// <param name="alignment">The address is a multiple of this power of two.</param>
    /// <exception cref="OutOfMemoryException">The system has no such memory.</exception>
    public NativeBuffer(long length, int alignment = DefaultAlignment)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        nuint unit = (nuint)alignment;
        nuint bytes = checked((nuint)length * (nuint)sizeof(T) + (unit - 1)) / unit * unit;
        _pointer = (T*)NativeMemory.AlignedAlloc(Math.Max(bytes, unit), unit);
    }

    ~NativeBuffer() => Free();

    public T* Pointer => _pointer;

    public long Length { get; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
    }
}
