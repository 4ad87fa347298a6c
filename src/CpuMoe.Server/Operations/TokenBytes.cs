using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using CpuMoe.Text;

namespace CpuMoe.Server.Operations;

/// <summary>The bytes of a token.</summary>
[JsonConverter(typeof(Converter))]
internal sealed record TokenBytes(ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The bytes of a token, control tokens included.</summary>
    public static TokenBytes Of(int token, Tokenizer tokenizer)
    {
        ArrayBufferWriter<byte> bytes = new();
        tokenizer.AppendBytes(token, showControl: true, bytes);
        return new TokenBytes(bytes.WrittenMemory);
    }

    /// <summary>Writes a string or, where the bytes are none, an array of numbers.</summary>
    internal sealed class Converter : JsonConverter<TokenBytes>
    {
        /// <inheritdoc/>
        public override TokenBytes Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, TokenBytes value, JsonSerializerOptions options)
        {
            ReadOnlySpan<byte> bytes = value.Bytes.Span;
            if (Utf8.IsValid(bytes))
            {
                writer.WriteStringValue(Encoding.UTF8.GetString(bytes));
                return;
            }

            writer.WriteStartArray();
            foreach (byte b in bytes)
            {
                writer.WriteNumberValue(b);
            }

            writer.WriteEndArray();
        }
    }
}
