namespace CpuMoe.Tests.Chat.Templates;

/// <summary>Four minutes past three in the morning of Saturday, 4 July 2026, three hours east of Greenwich.</summary>
internal sealed class FixedClock : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone { get; } = TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(3), "test", "test");

    public override DateTimeOffset GetUtcNow() => new(2026, 7, 4, 0, 4, 5, TimeSpan.Zero);
}
