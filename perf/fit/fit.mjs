// Compares what `cpumoe fit` expects of a model with what `cpumoe bench` measures, in turn, and prints the ratios.
import {execFileSync} from "node:child_process";
import {join} from "node:path";
import {parseArgs} from "node:util";
import {median} from "../compare/statistics.mjs";

const usage = `usage: perf/fit/run MODEL.gguf... [options]
  --memory S,...  also with these budgets, experts paged (each must be less than the model needs)
  --rounds N      fit and bench so many times, in turn [3]
  -p N            prompt tokens of bench; fit always expects 512 [512]
  -n N            generated tokens [32]`;

const {values, positionals} = parseArgs({
    allowPositionals: true,
    options: {
        memory: {type: "string", default: ""}, rounds: {type: "string", default: "3"}, help: {type: "boolean", short: "h"},
        p: {type: "string", short: "p", default: "512"}, n: {type: "string", short: "n", default: "32"}
    }
});
if (values.help || positionals.length === 0) {
    console.log(usage);
    process.exit(values.help ? 0 : 2);
}

const program = join(import.meta.dirname, "../../src/CpuMoe.Cli/bin/Release/net10.0/CpuMoe.Cli");
const columns = [["model", 36], ["memory", 9], ["decode: fit", 12], ["bench", 9], ["ratio", 7], ["prefill: fit", 13], ["bench", 9], ["ratio", 7]];
print(columns.map(([name]) => name));
for (const model of positionals) {
    compare(model, null);
    for (const memory of values.memory.split(",").filter(Boolean))
        compare(model, memory);
}

function compare(model, memory) {
    const fits = [], benches = [];
    for (let round = 0; round < Number(values.rounds); round++) {
        fits.push(fit(model, memory));
        benches.push(bench(model, memory));
    }

    const of = (results, key) => median(results.map(result => result[key]));
    const ratio = key => (of(fits, key) / of(benches, key)).toFixed(2);
    print([
        model.replace(/.*\//, ""), memory ?? "all",
        of(fits, "decode").toFixed(2), of(benches, "decode").toFixed(2), ratio("decode"),
        of(fits, "prefill").toFixed(1), of(benches, "prefill").toFixed(1), ratio("prefill")
    ]);
}

function fit(model, memory) {
    // The context of bench: its prompt and decode are apart without a budget, and follow each other with one.
    const context = Number(values.n) + (memory === null ? 0 : Number(values.p));
    const {models} = run("fit", model, "--ctx", String(context), "--memory", memory ?? "unlimited");
    const row = models[0].machines[0].rows.find(candidate => candidate.is_file);
    return memory === null ? {decode: row.decode_resident, prefill: row.prefill_resident} : {decode: row.decode_paged, prefill: row.prefill_paged};
}

function bench(model, memory) {
    const budget = memory === null ? ["--memory", "unlimited", "-r", "2"] : ["--memory", memory, "--generate", "--no-warm-start", "-r", "1"];
    const {prefill, decode} = run("bench", "-m", model, "-p", values.p, "-n", values.n, ...budget);
    return {decode: decode.median, prefill: prefill.median};
}

function run(...args) {
    return JSON.parse(execFileSync(program, [...args, "--json"], {encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 26}));
}

function print(cells) {
    console.log(cells.map((cell, i) => i < 2 ? String(cell).padEnd(columns[i][1]) : String(cell).padStart(columns[i][1])).join(" "));
}
