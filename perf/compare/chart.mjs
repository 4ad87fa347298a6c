/** Bars of all cases, each scaled to its largest value, as an SVG document. */
export function drawChart(report) {
    const colors = ["#1f6fb4", "#d9812e", "#5a9e4b"];
    const left = 220, full = 480, bar = 18, gap = 16;
    const engines = Object.keys(report.cases[0].values);
    const blockHeight = engines.length * bar + gap;
    const height = 80 + report.cases.length * blockHeight + 30;
    const lines = [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 910 ${height}" font-family="sans-serif" font-size="12">`,
        `<rect width="910" height="${height}" fill="white"/>`,
        `<text x="20" y="26" font-size="14">Medians (lines: smallest to largest)</text>`,
        `<text x="20" y="46">${escape(`${report.file.split("/").at(-1)}, ${report.cpu}, ${report.threads} threads, ${report.date.slice(0, 10)}`)}</text>`
    ];
    let y = 64;
    for (const {case: name, unit, values} of report.cases) {
        const largest = Math.max(...Object.values(values).map(value => value.max).filter(Number.isFinite));
        lines.push(`<text x="${left - 10}" y="${y + engines.length * bar / 2 + 4}" text-anchor="end">${escape(`${name}, ${unit}`)}</text>`);
        engines.forEach((engine, i) => {
            const {median, min, max} = values[engine];
            if (Number.isFinite(median)) {
                const x = value => (left + value / largest * full).toFixed(1);
                const middle = y + i * bar + (bar - 3) / 2;
                lines.push(
                    `<rect x="${left}" y="${y + i * bar}" width="${(median / largest * full).toFixed(1)}" height="${bar - 3}" fill="${colors[i]}"/>`,
                    `<path d="M${x(min)} ${middle}H${x(max)}" stroke="black"/>`,
                    `<text x="${left + full + 12}" y="${y + i * bar + 12}">${engine} ${median.toPrecision(4)}</text>`);
            }
        });
        y += blockHeight;
    }

    return [...lines, "</svg>", ""].join("\n");
}

function escape(text) {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
