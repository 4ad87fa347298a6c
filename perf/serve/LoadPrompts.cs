using System.Text;

namespace CpuMoe.ServerLoad;

/// <summary>Prompts of all lengths; equal numbers give equal prompts.</summary>
internal static class LoadPrompts
{
    private static readonly string[] Sentences =
    [
        "What is the capital of France?", "My name is Ana.", "Tell me a story about a dog and a river.", "How many legs has a spider?",
        "The old harbour lies in the north of the town.", "Name three colours.", "Every morning the baker opens his shop at six.", "What is 7 plus 5?",
        "Two ships left the bay before the storm.", "Which animal lives in the sea?",
    ];

    /// <summary>One of the prompts of a load: from one sentence to forty.</summary>
    public static string Short(int number) => Of(number, 1 + (number * 7 % 40));

    /// <summary>A prompt of at least so many tokens; prompts of different numbers differ from their beginning.</summary>
    public static async Task<string> LongAsync(ChatClient client, int number, int tokens)
    {
        int sentences = tokens / 16;
        while (true)
        {
            string prompt = Of(number, sentences);
            int count = (await client.TokenizeAsync(prompt)).Length;
            if (count >= tokens)
            {
                return prompt;
            }

            sentences += 1 + ((tokens - count) / 16);
        }
    }

    private static string Of(int number, int sentences)
    {
        Random random = new(number);
        StringBuilder text = new($"{number}.");
        for (int i = 0; i < sentences; i++)
        {
            text.Append(' ').Append(Sentences[random.Next(Sentences.Length)]);
        }

        return text.ToString();
    }
}
