// Measures one GGUF on CpuMoe and on llama.cpp (and ik_llama.cpp), alternately, and prints the ratios.
import {execFileSync} from "node:child_process";
import {readFileSync, writeFileSync, statSync, mkdtempSync, rmSync} from "node:fs";
import {availableParallelism, cpus, loadavg, tmpdir, totalmem} from "node:os";
import {dirname, join, resolve} from "node:path";
import {fileURLToPath} from "node:url";
import {parseArgs} from "node:util";
import {drawChart} from "./chart.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");

/** Processes that are running on average; a machine at rest has fewer. */
const busyLoad = 0.5;

const usage = `usage: perf/compare/run MODEL.gguf | --synth SHAPE:LAYERS:MIX [options]

  --synth S       measure a model of random weights, e.g. glm-4.5-air:4:q4_k_m, written to the temporary folder
                  (TMPDIR says where) and deleted afterwards
  -p N            tokens of the prompt (prefill) [512]; 0 leaves prefill out
  -n N            tokens generated (decode) [64]; 0 leaves decode out
  -d D[,D...]     tokens in the KV cache before, one case each [0]
  -t T            threads of every engine [physical cores, as CpuMoe counts them]
  -b B            tokens per pass of prefill [512]
  -r R            repetitions in each process [3]
  --rounds N      processes of each engine and case, in turn [3]
  --ik PATH       also measure the llama-bench of ik_llama.cpp
  --json FILE     write all results
  --svg FILE      draw them`;

const options = readOptions();
const engines = [
    {name: "CpuMoe", run: runCpuMoe},
    {name: "llama.cpp", run: runLlamaCpp},
    ...(options.ik ? [{name: "ik_llama.cpp", run: runIk}] : [])
];
const folder = mkdtempSync(join(tmpdir(), "cpumoe-compare-"));

// Ctrl-C ends the running engine, and the fault that follows ends this, but not before the model is deleted.
process.on("SIGINT", () => {});
try {
    const model = options.synth ? synthesize(options.synth) : resolve(options.model);
    const report = measure(model);
    print(report);
    if (options.json)
        writeFileSync(options.json, JSON.stringify(report, null, 2) + "\n");
    if (options.svg)
        writeFileSync(options.svg, drawChart(report));
} catch (fault) {
    console.error(`compare: ${fault.message}`);
    process.exitCode = 1;
} finally {
    rmSync(folder, {recursive: true});
}

function readOptions() {
    try {
        const {values, positionals} = parseArgs({
            allowPositionals: true,
            options: {
                synth: {type: "string"}, ik: {type: "string"}, json: {type: "string"}, svg: {type: "string"},
                help: {type: "boolean", short: "h"},
                prompt: {type: "string", short: "p", default: "512"},
                generated: {type: "string", short: "n", default: "64"},
                depths: {type: "string", short: "d", default: "0"},
                threads: {type: "string", short: "t", default: "0"},
                batch: {type: "string", short: "b", default: "512"},
                repetitions: {type: "string", short: "r", default: "3"},
                rounds: {type: "string", default: "3"}
            }
        });
        if (values.help) {
            console.log(usage);
            process.exit(0);
        }

        if (positionals.length + (values.synth ? 1 : 0) !== 1)
            throw new Error("name one model, or --synth");
        const number = (name, least) => {
            const value = Number(values[name]);
            if (!Number.isInteger(value) || value < least)
                throw new Error(`${name} must be an integer of ${least} or more, not '${values[name]}'`);
            return value;
        };
        const parsed = {
            ...values, model: positionals[0],
            prompt: number("prompt", 0), generated: number("generated", 0), threads: number("threads", 0) || physicalCores(),
            batch: number("batch", 1), repetitions: number("repetitions", 1), rounds: number("rounds", 1),
            depths: values.depths.split(",").map(Number)
        };
        if (parsed.prompt + parsed.generated === 0)
            throw new Error("-p 0 and -n 0 leave nothing to measure");
        if (!parsed.depths.every(depth => Number.isInteger(depth) && depth >= 0))
            throw new Error(`-d must be integers of 0 or more with commas between, not '${values.depths}'`);
        return parsed;
    } catch (fault) {
        console.error(`compare: ${fault.message}\n\n${usage}`);
        process.exit(2);
    }
}

/** Rates of all engines: within a round every engine has its turn, so that what disturbs the machine disturbs all. */
function measure(model) {
    const cases = [], processes = [];
    const loadBefore = loadavg()[0];
    for (const depth of options.depths) {
        const test = {model, threads: options.threads, prompt: options.prompt, generated: options.generated, depth,
            batch: options.batch, repetitions: options.repetitions};
        const results = engines.map(engine => ({engine: engine.name, prefill: [], decode: []}));
        for (let round = 1; round <= options.rounds; round++) {
            engines.forEach((engine, i) => {
                console.error(`depth ${depth}, round ${round} of ${options.rounds}: ${engine.name}`);
                const {prefill, decode, ...rest} = engine.run(test);
                results[i].prefill.push(...prefill);
                results[i].decode.push(...decode);
                processes.push({engine: engine.name, depth, round, ...rest});
            });
        }

        if (options.prompt > 0)
            cases.push(summarize(`prefill ${options.prompt}`, depth, "prefill", results));
        if (options.generated > 0)
            cases.push(summarize(`decode ${options.generated}`, depth, "decode", results));
    }

    return {
        date: new Date().toISOString(),
        cpu: cpus()[0].model.trim(), logical_cpus: availableParallelism(), memory_bytes: totalmem(),
        load_before: loadBefore, threads: options.threads, file: options.synth ? `synthetic ${options.synth}` : model, file_bytes: sizeOf(model),
        prompt: options.prompt, generated: options.generated, batch: options.batch,
        repetitions: options.repetitions, rounds: options.rounds, cases, processes
    };
}

function summarize(name, depth, kind, results) {
    const rates = Object.fromEntries(results.map(result => [result.engine, {
        median: median(result[kind]), min: Math.min(...result[kind]), max: Math.max(...result[kind]), all: result[kind]
    }]));
    const ratios = Object.fromEntries(engines.slice(1).map(({name: other}) => [other, rates.CpuMoe.median / rates[other].median]));
    return {case: depth > 0 ? `${name} at ${depth}` : name, kind, depth, rates, ratios};
}

function runCpuMoe(test) {
    // The repetitions of a process come as median, smallest and largest: of up to three, that is all of them.
    const output = JSON.parse(execute(join(root, "src/CpuMoe.Cli/bin/Release/net10.0/CpuMoe.Cli"), [
        "bench", "-m", test.model, "-p", test.prompt, "-n", test.generated, "--depth", test.depth, "-r", test.repetitions,
        "--threads", test.threads, "--batch", test.batch, "--json"]));
    const spread = rate => !rate ? [] : test.repetitions === 2 ? [rate.min, rate.max]
        : [...new Set([rate.min, rate.median, rate.max])];
    return {...output, prefill: spread(output.prefill), decode: spread(output.decode)};
}

function runLlamaCpp(test) {
    return JSON.parse(execute(process.execPath, [join(here, "llama-cpp.mjs"), JSON.stringify(test)]));
}

/** llama-bench of ik_llama.cpp measures prefill from an empty cache only; decode after a prompt is its -gp. */
function runIk(test) {
    const common = ["-m", test.model, "-t", test.threads, "-ngl", 0, "-r", test.repetitions, "-b", test.batch, "-ub", test.batch, "-o", "json"];
    const bench = (tokens, ...args) => JSON.parse(execute(options.ik, [...common, ...args]))
        .flatMap(entry => entry.samples_ns).map(time => tokens * 1e9 / time);
    return {
        prefill: test.prompt > 0 && test.depth === 0 ? bench(test.prompt, "-p", test.prompt, "-n", 0) : [],
        decode: test.generated === 0 ? []
            : test.depth === 0 ? bench(test.generated, "-p", 0, "-n", test.generated)
            : bench(test.generated, "-p", 0, "-n", 0, "-gp", `${test.depth},${test.generated}`)
    };
}

function synthesize(recipe) {
    const [shape, layers, mix] = recipe.split(":");
    if (!mix)
        throw new Error(`--synth must be SHAPE:LAYERS:MIX, not '${recipe}'`);
    const file = join(folder, "synthetic.gguf");
    execute("dotnet", ["run", "-c", "Release", "--project", join(root, "tools/CpuMoe.Synth"), "--",
        "--shape", shape, "--layers", layers, "--mix", mix, file]);
    return file;
}

function execute(program, args) {
    return execFileSync(program, args.map(String), {encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"]});
}

function print(report) {
    console.log(`${report.date}, ${report.cpu}, ${report.logical_cpus} logical processors, ${report.threads} threads`);
    console.log(`${report.file} (${(report.file_bytes / 1e9).toFixed(2)} GB), batch ${report.batch}, ${report.rounds} rounds of ${report.repetitions} repetitions\n`);
    const others = engines.slice(1).map(engine => engine.name);
    const rows = [["tokens/s, median [min, max]", ...engines.map(engine => engine.name), ...others.map(name => `ratio to ${name}`)]];
    for (const {case: name, rates, ratios} of report.cases) {
        const rate = ({median: middle, min, max}) => Number.isFinite(middle) ? `${text(middle)} [${text(min)}, ${text(max)}]` : "-";
        rows.push([name, ...engines.map(engine => rate(rates[engine.name])), ...others.map(other => Number.isFinite(ratios[other]) ? ratios[other].toFixed(2) : "-")]);
    }

    const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)));
    for (const row of rows)
        console.log(row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  "));

    const ours = report.processes.filter(({engine}) => engine === "CpuMoe");
    const theirs = report.processes.find(({engine}) => engine === "llama.cpp");
    const wall = report.generated > 0 ? `decode uses ${text(median(ours.map(run => run.wall_ratio)))} of ` : "";
    console.log(`\nCpuMoe: ${wall}the read bandwidth, ${text(median(ours.map(run => run.read_bandwidth_gb_s)))} GB/s`);
    console.log(`llama.cpp: release ${theirs.release} in node-llama-cpp ${theirs.binding}, mapped file: ${theirs.mmap}; ${theirs.system}`);
    console.log(`
All engines: F16 cache, mapped file, random tokens, no sampling, times after warm-up without loading.
llama.cpp runs behind one promise of JavaScript per pass (some tens of microseconds): figures above about 1000 tokens/s
of decode are too low.`);

    // Seen on two processors with other work: llama.cpp decoded some 40 times slower with two threads than with one,
    // CpuMoe did not.
    if (report.load_before > busyLoad)
        console.log(`
WARNING: the machine was busy before the start (load ${report.load_before.toFixed(1)}). The figures mean nothing: the threads of llama.cpp
wait for each other by spinning and lose far more to other work than those of CpuMoe. Run again with nothing else.`);
}

/** Pairs of hardware threads count once: the rule of CpuMoe. */
function physicalCores() {
    const cores = new Set();
    for (let cpu = 0; cpu < cpus().length; cpu++) {
        try {
            cores.add(readFileSync(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, "utf8"));
        } catch {
            return availableParallelism();
        }
    }

    return Math.max(1, Math.min(cores.size, availableParallelism()));
}

/** Of all parts of a split model. */
function sizeOf(model) {
    const split = /^(.*-)00001-of-(\d{5})\.gguf$/.exec(model);
    const parts = split ? Array.from({length: Number(split[2])}, (_, i) => `${split[1]}${String(i + 1).padStart(5, "0")}-of-${split[2]}.gguf`) : [model];
    return parts.reduce((sum, part) => sum + statSync(part).size, 0);
}

function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted.length === 0 ? NaN : (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function text(value) {
    return value < 10 ? value.toFixed(2) : value < 1000 ? value.toFixed(1) : value.toFixed(0);
}
