// The results for reading.
import {median} from "./statistics.mjs";

/** Processors that others use; on a machine at rest they are fewer. */
const busyLimit = 0.25;

export function print(report, engines) {
    console.log(`${report.date}, ${report.cpu}, ${report.logical_cpus} logical processors, ${report.threads} threads`);
    console.log(`${report.file} (${(report.file_bytes / 1e9).toFixed(2)} GB), batch ${report.batch}, ${report.rounds} rounds of ${report.repetitions} repetitions`);
    printCases(report.cases, engines);
    report.limits?.forEach(printLimit);
    printNotes(report);
    if (report.busy_before > busyLimit)
        console.log(`
WARNING: the machine was busy before the start (${report.busy_before.toFixed(1)} processors). The figures mean nothing: the threads of llama.cpp
wait for each other by spinning and lose far more to other work than those of CpuMoe. Run again with nothing else.`);
}

function printCases(cases, engines) {
    if (cases.length === 0)
        return;
    const others = engines.includes("CpuMoe") ? engines.filter(name => name !== "CpuMoe") : [];
    const value = ({median: middle, min, max} = {}) => Number.isFinite(middle) ? `${number(middle)} [${number(min)}, ${number(max)}]` : "-";
    printTable([
        ["median [min, max]", "unit", ...engines, ...others.map(name => `ratio to ${name}`)],
        ...cases.map(({case: name, unit, values, ratios}) => [
            name, unit, ...engines.map(engine => value(values[engine])), ...others.map(other => number(ratios[other], 2))])
    ]);
}

function printLimit({limit_bytes: limit, file_part: part, engines}) {
    console.log(`\nlimit ${(limit / 2 ** 30).toFixed(2)} GiB, ${(part * 100).toFixed(0)} % of the file`);
    printTable([
        ["medians of processes", "prefill tok/s", "decode tok/s", "read/prompt token", "read/token", "p50 ms", "p99 ms", "anonymous", "peak", "limit hits"],
        ...engines.map(({engine, failure, ...result}) => failure ? [engine, failure] : [
            engine, number(result.prefill), number(result.decode), megabytes(result.prefill_read_bytes), megabytes(result.decode_read_bytes),
            number(result.p50_ms), number(result.p99_ms), megabytes(result.peak_anonymous_bytes), megabytes(result.peak_bytes), String(result.limit_hits)])
    ]);
}

function printNotes({processes, generated, repack, variant, limits}) {
    const ours = processes.filter(({engine, wall_ratio: ratio}) => engine === "CpuMoe" && ratio !== undefined);
    const theirs = processes.find(({engine, release}) => engine === "llama.cpp" && release);
    console.log();
    if (ours.length > 0 && generated > 0)
        console.log(`CpuMoe: decode uses ${number(median(ours.map(run => run.wall_ratio)))} of the read bandwidth, ${number(median(ours.map(run => run.read_bandwidth_gb_s)))} GB/s`);
    if (variant)
        console.log(`All engines: no instructions but those of ${variant}.`);
    if (theirs)
        console.log(`llama.cpp: release ${theirs.release}, weights ${repack ? "laid out anew while loading" : "as in the file"}; ${theirs.system}`);
    console.log(limits
        ? "Under a limit: cold page cache, one untimed prompt with a few tokens, then a new prompt for each repetition; MB are 10^6 bytes."
        : "All engines: F16 cache, mapped file, random tokens, no sampling, times after warm-up without loading.");
}

function printTable(rows) {
    const widths = rows[0].map((_, column) => Math.max(...rows.filter(row => row.length === rows[0].length).map(row => row[column].length), 0));
    widths[0] = Math.max(...rows.map(row => row[0].length));
    console.log();
    for (const row of rows)
        console.log(row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(row.length === widths.length ? widths[i] : 0)).join("  "));
}

function number(value, digits) {
    return !Number.isFinite(value) ? "-" : value.toFixed(digits ?? (value < 10 ? 2 : value < 1000 ? 1 : 0));
}

function megabytes(bytes) {
    return Number.isFinite(bytes) ? `${number(bytes / 1e6)} MB` : "-";
}
