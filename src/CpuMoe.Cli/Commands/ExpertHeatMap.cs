using System.Globalization;
using System.Text;

namespace CpuMoe.Cli.Commands;

/// <summary>How often each expert of each layer is used: a row per layer, the lighter the less.</summary>
internal static class ExpertHeatMap
{
    private const double Left = 60, Top = 60, Cell = 8, Margin = 20, LegendCell = 24;
    private const int LegendSteps = 9;

    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    /// <summary>The map as an SVG document.</summary>
    public static string Draw(ExpertsOutput output)
    {
        double width = Math.Max(Left + (output.Experts * Cell), Left + (LegendSteps * LegendCell) + 300) + Margin;
        double bottom = Top + (output.Layers.Length * Cell);
        double mostShare = output.Layers.Max(layer => layer.Passes.Max() / Total(layer));
        StringBuilder svg = new();
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {bottom + 70}\" font-family=\"sans-serif\" font-size=\"11\">");
        Add($"<rect width=\"{width}\" height=\"{bottom + 70}\" fill=\"white\"/>");
        Text(Left, 22, $"Expert use by layer: {output.DecodeTokens} decoded and {output.PrefillTokens} prompt tokens", "start");
        for (int expert = 0; expert < output.Experts; expert += 16)
        {
            Text(Left + (expert * Cell), Top - 6, expert.ToString(Culture), "start");
        }

        Text(Left - 8, Top - 6, "expert", "end");
        for (int row = 0; row < output.Layers.Length; row++)
        {
            ExpertLayerOutput layer = output.Layers[row];
            double y = Top + (row * Cell), total = Total(layer);
            if (row % 2 == 0)
            {
                Text(Left - 8, y + Cell, $"block {layer.Block}", "end");
            }

            for (int expert = 0; expert < layer.Passes.Length; expert++)
            {
                int passes = layer.Passes[expert];
                Add($"<rect x=\"{Left + (expert * Cell)}\" y=\"{y}\" width=\"{Cell}\" height=\"{Cell}\" fill=\"{ColorOf(passes / total / mostShare)}\"><title>block {layer.Block}, expert {expert}: {passes} passes, {passes / total:P2}</title></rect>");
            }
        }

        for (int step = 0; step < LegendSteps; step++)
        {
            Add($"<rect x=\"{Left + (step * LegendCell)}\" y=\"{bottom + 20}\" width=\"{LegendCell}\" height=\"{Cell * 1.5}\" fill=\"{ColorOf(step / (LegendSteps - 1.0))}\"/>");
        }

        Text(Left, bottom + 48, "0", "start");
        Text(Left + (LegendSteps * LegendCell), bottom + 48, string.Create(Culture, $"{mostShare:P2} of the uses in a layer"), "middle");
        Add($"</svg>");
        return svg.ToString();

        void Text(double x, double y, string text, string anchor) => Add($"<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>");

        void Add(FormattableString line) => svg.Append(line.ToString(Culture)).Append('\n');
    }

    // A layer that was never used divides zeros.
    private static double Total(ExpertLayerOutput layer) => Math.Max(1, layer.Passes.Sum(passes => (double)passes));

    /// <summary>White for 0, over orange to dark red for 1.</summary>
    private static string ColorOf(double share) => string.Create(Culture, $"hsl({40 - (30 * share):F0},90%,{100 - (65 * Math.Sqrt(share)):F0}%)");
}
