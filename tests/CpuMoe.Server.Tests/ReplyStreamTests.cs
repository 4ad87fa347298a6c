using System.Text;
using System.Threading.Channels;
using CpuMoe.Server.Streaming;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Server.Tests;

/// <summary>When streams write what they are given.</summary>
public sealed class ReplyStreamTests : IDisposable
{
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(1);

    private readonly CountingStream _body = new();
    private readonly Channel<string> _updates = Channel.CreateUnbounded<string>();

    public void Dispose() => _body.Dispose();

    [Fact]
    public async Task Updates_that_follow_each_other_go_out_together()
    {
        EventStream stream = await StartAsync(Silence);
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => $"{i}")];
        foreach (string text in texts)
        {
            await _updates.Writer.WriteAsync(text, TestContext.Current.CancellationToken);
        }

        _updates.Writer.Complete();
        await PassOnAsync(stream);
        Assert.Equal(string.Concat(texts.Select(Event)), _body.Text);
        Assert.InRange(_body.Writes, 1, 3);
    }

    [Fact]
    public async Task An_update_does_not_wait_for_the_next_one()
    {
        EventStream stream = await StartAsync(Silence);
        Task done = PassOnAsync(stream);
        string expected = "";
        for (int i = 0; i < 5; i++)
        {
            await _updates.Writer.WriteAsync($"{i}", TestContext.Current.CancellationToken);
            expected += Event($"{i}");
            await _body.WaitForAsync(expected);
        }

        _updates.Writer.Complete();
        await done;
        Assert.Equal(expected, _body.Text);
    }

    [Fact]
    public async Task Much_is_not_held_back()
    {
        EventStream stream = await StartAsync(Silence);
        string text = new('x', 10_000);
        for (int i = 0; i < 20; i++)
        {
            await _updates.Writer.WriteAsync(text, TestContext.Current.CancellationToken);
        }

        _updates.Writer.Complete();
        await PassOnAsync(stream);
        Assert.InRange(_body.Writes, 10, 21);
    }

    [Fact]
    public async Task What_came_before_a_fault_is_sent_before_it()
    {
        EventStream stream = await StartAsync(Silence);
        await _updates.Writer.WriteAsync("text", TestContext.Current.CancellationToken);
        _updates.Writer.Complete(new InvalidDataException("bad"));
        await Assert.ThrowsAsync<InvalidDataException>(() => PassOnAsync(stream));
        await stream.SendAsync("error");
        Assert.Equal(Event("text") + Event("error"), _body.Text);
    }

    [Fact]
    public async Task Silence_is_broken_again_and_again_and_only_silence()
    {
        var silence = TimeSpan.FromMilliseconds(800);
        EventStream stream = await StartAsync(silence);
        Task done = PassOnAsync(stream);
        for (int i = 0; i < 60; i++)
        {
            await _updates.Writer.WriteAsync($"{i}", TestContext.Current.CancellationToken);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        // A machine that stands still for so long is silent, too; it is not to be expected more than once.
        Assert.InRange(Comments(), 0, 1);
        await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
        Assert.InRange(Comments(), 2, 8);
        _updates.Writer.Complete();
        await done;

        int Comments() => _body.Text.Split(": keep-alive\n\n").Length - 1;
    }

    private static string Event(string text) => $"data: {text}\n\n";

    private async Task<EventStream> StartAsync(TimeSpan silence)
    {
        DefaultHttpContext http = new();
        http.Response.Body = _body;
        EventStream stream = new(http, silence);
        await stream.StartAsync();
        return stream;
    }

    private async Task PassOnAsync(EventStream stream)
    {
        await foreach (string text in stream.KeepAliveAsync(_updates.Reader.ReadAllAsync(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken))
        {
            await stream.SendAsync(text);
        }
    }

    /// <summary>Keeps what is written and counts how often.</summary>
    private sealed class CountingStream : MemoryStream
    {
        private readonly Lock _lock = new();
        private int _writes;

        public int Writes => Volatile.Read(ref _writes);

        public string Text
        {
            get
            {
                lock (_lock)
                {
                    return Encoding.UTF8.GetString(ToArray());
                }
            }
        }

        public async Task WaitForAsync(string text)
        {
            while (Text != text)
            {
                await Task.Delay(1, TestContext.Current.CancellationToken);
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            lock (_lock)
            {
                _writes++;
                Write(buffer.Span);
            }

            return ValueTask.CompletedTask;
        }
    }
}
