using CpuMoe.Chat.Templates;

namespace CpuMoe.Tests.Chat.Templates;

public class StrftimeTests
{
    [Theory]
    [InlineData("%Y-%m-%d", "2026-07-04")]
    [InlineData("%d %b %Y", "04 Jul 2026")]
    [InlineData("%B %d, %Y", "July 04, 2026")]
    [InlineData("%A %a %-d %e %y %j", "Saturday Sat 4  4 26 185")]
    [InlineData("%H:%M:%S %I %-I %p %F %T %R %D", "03:04:05 03 3 AM 2026-07-04 03:04:05 03:04 07/04/26")]
    [InlineData("%w %u %z %% %n%t|%Q %-Q %", "6 6 +0300 % \n\t|%Q %-Q %")]
    public void WritesLocalTime(string format, string expected) =>
        Assert.Equal(expected, ChatTemplate.Parse($"{{{{ strftime_now('{format}') }}}}").Render([], new PromptOptions { Clock = new FixedClock() }).Text);
}
