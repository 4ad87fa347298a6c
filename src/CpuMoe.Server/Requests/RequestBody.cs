using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using CpuMoe.Server.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CpuMoe.Server.Requests;

/// <summary>Reads bodies: JSON of limited size and depth in well-formed Unicode, whatever its content type says.</summary>
internal static class RequestBody
{
    /// <summary>How deep the JSON of a request may be nested.</summary>
    public const int MaxDepth = 128;

    private const int FirstBuffer = 1 << 14;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Reads a body of one JSON value.</summary>
    /// <exception cref="ApiException">It is none, or too large.</exception>
    public static async Task<JsonDocument> ReadJsonAsync(HttpContext http, long maxBytes)
    {
        byte[] bytes = await ReadAsync(http, maxBytes);
        int start = bytes.AsSpan().StartsWith(ByteOrderMark) ? ByteOrderMark.Length : 0;
        CheckText(bytes.AsSpan(start));
        try
        {
            return JsonDocument.Parse(bytes.AsMemory(start), new JsonDocumentOptions { MaxDepth = MaxDepth });
        }
        catch (JsonException fault)
        {
            throw NotJson($"The body is not valid JSON (line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}) or is nested deeper than {MaxDepth} levels.", fault);
        }
    }

    private static async Task<byte[]> ReadAsync(HttpContext http, long maxBytes)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = maxBytes;
        }

        if (http.Request.ContentLength > maxBytes)
        {
            throw TooLarge(maxBytes);
        }

        // A length that is only announced gets no memory.
        using MemoryStream bytes = new(FirstBuffer);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
        try
        {
            int count;
            while ((count = await http.Request.Body.ReadAsync(buffer, http.RequestAborted)) > 0)
            {
                if (bytes.Length + count > maxBytes)
                {
                    throw TooLarge(maxBytes);
                }

                bytes.Write(buffer, 0, count);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return bytes.ToArray();
    }

    /// <summary>Refuses what could not be read as text later: ill-formed UTF-8, and escapes of half a character.</summary>
    private static void CheckText(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty)
        {
            throw NotJson("The body is empty; it must be a JSON object.");
        }

        if (!Utf8.IsValid(json))
        {
            throw NotJson("The body is not valid UTF-8.");
        }

        if (json.IndexOf("\\u"u8) < 0)
        {
            return;
        }

        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        char[] text = ArrayPool<char>.Shared.Rent(json.Length);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                {
                    reader.CopyString(text);
                }
            }
        }
        catch (InvalidOperationException fault)
        {
            throw NotJson($"The body has a \\u escape of half a character (a lone surrogate) in the string at byte {reader.TokenStartIndex}.", fault);
        }
        catch (JsonException)
        {
            // The parser tells where.
        }
        finally
        {
            ArrayPool<char>.Shared.Return(text);
        }
    }

    private static ApiException NotJson(string message, Exception? inner = null) => new(new ApiError(ApiErrorKind.InvalidJson, message), inner);

    private static ApiException TooLarge(long maxBytes) => new(new ApiError(ApiErrorKind.RequestTooLarge, $"The body of the request is larger than {maxBytes} bytes."));
}
