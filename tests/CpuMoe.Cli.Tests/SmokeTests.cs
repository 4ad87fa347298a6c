namespace CpuMoe.Cli.Tests;
public class SmokeTests
{
    [Fact] public void Root() => Assert.True(File.Exists(Testing.TestData.DemoModel));
}
