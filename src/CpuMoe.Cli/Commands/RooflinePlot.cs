using System.Globalization;
using System.Text;

namespace CpuMoe.Cli.Commands;

/// <summary>Kernels under the roof of their machine: operations per second over operations per byte, both logarithmic.</summary>
/// <remarks>
/// Source: Williams, Waterman, Patterson, Roofline: An Insightful Visual Performance Model, CACM 52(4), 2009. The slope
/// is the read bandwidth, each level the integer peak of an instruction set.
/// </remarks>
internal sealed class RooflinePlot
{
    private const double Left = 70, Right = 790, Top = 40, Bottom = 560, Width = 960, Height = 620;

    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    private readonly KernelsOutput _output;
    private readonly StringBuilder _svg = new();
    private readonly double _minX, _maxX, _minY, _maxY;

    private RooflinePlot(KernelsOutput output)
    {
        _output = output;
        (_minX, _maxX) = Decades(output.Kernels.Select(Intensity));
        (_minY, _maxY) = Decades([.. output.Kernels.Select(kernel => kernel.GopS), .. output.IntegerPeakGopS.Values]);
    }

    /// <summary>The plot as an SVG document.</summary>
    public static string Draw(KernelsOutput output) => new RooflinePlot(output).Draw();

    private string Draw()
    {
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"12\">");
        Add($"<rect width=\"{Width}\" height=\"{Height}\" fill=\"white\"/>");
        Text((Left + Right) / 2, 22, string.Create(Culture, $"Kernels on {_output.Threads} threads, read bandwidth {_output.ReadBandwidthGbS:F1} GB/s"), "middle");
        DrawAxes();
        foreach ((string isa, double peak) in _output.IntegerPeakGopS)
        {
            DrawRoof(isa, peak);
        }

        string[] formats = [.. _output.Kernels.Select(kernel => kernel.Format).Distinct()];
        foreach (var row in _output.Kernels.GroupBy(kernel => (kernel.Format, kernel.Isa)))
        {
            DrawKernels(ColorOf(Array.IndexOf(formats, row.Key.Format), formats.Length), [.. row]);
        }

        DrawLegend(formats);
        Add($"</svg>");
        return _svg.ToString();
    }

    private void DrawAxes()
    {
        for (double x = _minX; x <= _maxX * 1.01; x *= 10)
        {
            Line(X(x), Top, X(x), Bottom, "#ddd");
            Text(X(x), Bottom + 18, x.ToString("0.####", Culture), "middle");
        }

        for (double y = _minY; y <= _maxY * 1.01; y *= 10)
        {
            Line(Left, Y(y), Right, Y(y), "#ddd");
            Text(Left - 8, Y(y) + 4, y.ToString("0.####", Culture), "end");
        }

        Text((Left + Right) / 2, Bottom + 40, "operations per byte of weights", "middle");
        Add($"<text transform=\"translate(18 {(Top + Bottom) / 2}) rotate(-90)\" text-anchor=\"middle\">GOP/s</text>");
    }

    private void DrawRoof(string isa, double peak)
    {
        double ridge = Math.Clamp(peak / _output.ReadBandwidthGbS, _minX, _maxX);
        double start = Math.Max(_minX, _minY / _output.ReadBandwidthGbS);
        if (start < ridge)
        {
            Line(X(start), Y(start * _output.ReadBandwidthGbS), X(ridge), Y(ridge * _output.ReadBandwidthGbS), "#444");
        }

        Line(X(ridge), Y(peak), Right, Y(peak), "#444");
        Text(Right - 4, Y(peak) - 5, $"peak {isa}", "end");
    }

    /// <summary>The kernels of a format on an instruction set: from RAM joined and filled, from cache hollow.</summary>
    private void DrawKernels(string color, KernelOutput[] kernels)
    {
        KernelOutput[] streamed = [.. kernels.Where(kernel => kernel.Weights == "ram").OrderBy(kernel => kernel.Columns)];
        string points = string.Join(' ', streamed.Select(kernel => string.Create(Culture, $"{X(Intensity(kernel)):F1},{Y(kernel.GopS):F1}")));
        Add($"<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-opacity=\"0.4\"/>");
        foreach (KernelOutput kernel in kernels)
        {
            string title = string.Create(Culture, $"{kernel.Format} {kernel.Isa}, {kernel.Columns} columns from {kernel.Weights}: {kernel.GbS:F1} GB/s, {kernel.GopS:F1} GOP/s");
            Marker(X(Intensity(kernel)), Y(kernel.GopS), kernel.Isa, color, isHollow: kernel.Weights != "ram", title);
        }
    }

    private void DrawLegend(string[] formats)
    {
        double y = Top + 8;
        for (int i = 0; i < formats.Length; i++, y += 20)
        {
            Marker(Right + 24, y, InstructionSets.Names[0], ColorOf(i, formats.Length), isHollow: false, formats[i]);
            Text(Right + 40, y + 4, formats[i], "start");
        }

        y += 12;
        foreach (string isa in _output.IntegerPeakGopS.Keys)
        {
            Marker(Right + 24, y, isa, "#444", isHollow: false, isa);
            Text(Right + 40, y + 4, $"{isa}, from RAM", "start");
            y += 20;
        }

        Marker(Right + 24, y, InstructionSets.Names[0], "#444", isHollow: true, "cache");
        Text(Right + 40, y + 4, "hollow: from cache", "start");
    }

    private void Marker(double x, double y, string isa, string color, bool isHollow, string title)
    {
        string style = isHollow ? $"fill=\"white\" stroke=\"{color}\"" : $"fill=\"{color}\"";
        string shape = Array.IndexOf(InstructionSets.Names, isa) switch
        {
            0 => string.Create(Culture, $"<circle cx=\"{x:F1}\" cy=\"{y:F1}\" r=\"4\" {style}>"),
            1 => string.Create(Culture, $"<path d=\"M{x - 4:F1} {y - 4:F1}h8v8h-8z\" {style}>"),
            2 => string.Create(Culture, $"<path d=\"M{x:F1} {y - 5:F1}l5 5l-5 5l-5-5z\" {style}>"),
            _ => string.Create(Culture, $"<path d=\"M{x:F1} {y - 5:F1}l5 9h-10z\" {style}>"),
        };
        Add($"{shape}<title>{title}</title></{shape[1..shape.IndexOf(' ', StringComparison.Ordinal)]}>");
    }

    private void Line(double x1, double y1, double x2, double y2, string color) =>
        Add($"<line x1=\"{x1:F1}\" y1=\"{y1:F1}\" x2=\"{x2:F1}\" y2=\"{y2:F1}\" stroke=\"{color}\"/>");

    private void Text(double x, double y, string text, string anchor) =>
        Add($"<text x=\"{x:F1}\" y=\"{y:F1}\" text-anchor=\"{anchor}\">{text}</text>");

    private void Add(FormattableString line) => _svg.Append(line.ToString(Culture)).Append('\n');

    private double X(double value) => Left + (Math.Log10(value / _minX) / Math.Log10(_maxX / _minX) * (Right - Left));

    private double Y(double value) => Bottom - (Math.Log10(value / _minY) / Math.Log10(_maxY / _minY) * (Bottom - Top));

    private static double Intensity(KernelOutput kernel) => kernel.GopS / kernel.GbS;

    private static string ColorOf(int index, int count) => string.Create(Culture, $"hsl({index * 360 / count},65%,{(index % 2 == 0 ? 40 : 55)}%)");

    /// <summary>Whole decades around the values.</summary>
    private static (double Low, double High) Decades(IEnumerable<double> values) =>
        (Math.Pow(10, Math.Floor(Math.Log10(values.Min()))), Math.Pow(10, Math.Ceiling(Math.Log10(values.Max()) + 1e-9)));
}
