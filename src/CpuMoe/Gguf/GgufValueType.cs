namespace CpuMoe.Gguf;

/// <summary>The type of a metadata value, with the numeric ids of the file.</summary>
/// <remarks>Source: ggml <c>include/gguf.h</c>.</remarks>
public enum GgufValueType : uint
{
    /// <summary>Unsigned 8-bit integer (<see cref="byte"/>).</summary>
    U8 = 0,

    /// <summary>Signed 8-bit integer (<see cref="sbyte"/>).</summary>
    I8 = 1,

    /// <summary>Unsigned 16-bit integer (<see cref="ushort"/>).</summary>
    U16 = 2,

    /// <summary>Signed 16-bit integer (<see cref="short"/>).</summary>
    I16 = 3,

    /// <summary>Unsigned 32-bit integer (<see cref="uint"/>).</summary>
    U32 = 4,

    /// <summary>Signed 32-bit integer (<see cref="int"/>).</summary>
    I32 = 5,

    /// <summary>32-bit IEEE float (<see cref="float"/>).</summary>
    F32 = 6,

    /// <summary>One byte, 0 or 1 (<see cref="bool"/>).</summary>
    Bool = 7,

    /// <summary>UTF-8 text with a 64-bit byte length (<see cref="string"/>).</summary>
    Text = 8,

    /// <summary>A one-dimensional array of any other type.</summary>
    Array = 9,

    /// <summary>Unsigned 64-bit integer (<see cref="ulong"/>).</summary>
    U64 = 10,

    /// <summary>Signed 64-bit integer (<see cref="long"/>).</summary>
    I64 = 11,

    /// <summary>64-bit IEEE float (<see cref="double"/>).</summary>
    F64 = 12,
}
