using System.Runtime.InteropServices;

namespace CpuMoe.Compute;

/// <summary>Native memory for an array, aligned to a cache line and freed by its owner. The contents start undefined.</summary>
/// <remarks>The operating system commits large buffers page by page as they are touched.</remarks>
internal sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private const nuint Alignment = 64;
    private T* _pointer;

    /// <param name="length">The number of elements, 0 or more.</param>
    /// <exception cref="OutOfMemoryException">The system has no such memory.</exception>
    public NativeBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        nuint bytes = checked((nuint)length * (nuint)sizeof(T) + (Alignment - 1)) / Alignment * Alignment;
        _pointer = (T*)NativeMemory.AlignedAlloc(Math.Max(bytes, Alignment), Alignment);
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
