// Measures one GGUF on CpuMoe and on llama.cpp (and ik_llama.cpp), alternately, and prints the ratios.
import {createReadStream, mkdtempSync, rmSync, statSync, writeFileSync} from "node:fs";
import {availableParallelism, cpus, tmpdir, totalmem} from "node:os";
import {join, resolve} from "node:path";
import {setTimeout} from "node:timers/promises";
import {drawChart} from "./chart.mjs";
import {createEngines, firstPrompt} from "./engines.mjs";
import {dropPageCache, MemoryGroup} from "./memory-group.mjs";
import {readOptions} from "./options.mjs";
import {execute, ProcessError} from "./processes.mjs";
import {print} from "./report.mjs";
import {median, summary} from "./statistics.mjs";

const root = join(import.meta.dirname, "../..");
const options = readOptions();
const engines = createEngines(options);
const folder = mkdtempSync(join(tmpdir(), "cpumoe-compare-"));

// Ctrl-C ends the running engine, and the fault that follows ends this, but not before model and cgroup are deleted.
process.on("SIGINT", () => {}).on("SIGTERM", () => {});
try {
    const report = await measure(options.synth ? await synthesize(options.synth) : resolve(options.model));
    print(report, engines.map(engine => engine.name));
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

async function measure(model) {
    const parts = partsOf(model);
    const report = {
        date: new Date().toISOString(),
        cpu: cpus()[0].model.trim(), logical_cpus: availableParallelism(), memory_bytes: totalmem(),
        busy_before: await busyProcessors(), threads: options.threads, file: options.synth ? `synthetic ${options.synth}` : model,
        file_bytes: parts.reduce((sum, part) => sum + statSync(part).size, 0),
        prompt: options.prompt, generated: options.generated, batch: options.batch,
        repetitions: options.repetitions, rounds: options.rounds, repack: options.repack, variant: options.variant, cases: [], processes: []
    };
    const test = {model, threads: options.threads, prompt: options.prompt, generated: options.generated, batch: options.batch,
        repetitions: options.repetitions, repack: options.repack, variant: options.variant};
    if (options.limits) {
        report.limits = [];
        for (const limit of options.limits)
            report.limits.push(await measureLimit(test, limit(report.file_bytes), report));
    } else if (options.prompt + options.generated > 0) {
        for (const depth of options.depths)
            await measureRates({...test, depth}, report);
    }

    if (options.firstToken)
        await measureFirstToken(test, parts, report);
    return report;
}

async function measureRates(test, report) {
    const results = await inTurn(`depth ${test.depth}`, report, engine => engine.rates(test));
    for (const [kind, tokens] of [["prefill", test.prompt], ["decode", test.generated]]) {
        if (tokens > 0)
            report.cases.push(compare(`${kind} ${tokens}${test.depth > 0 ? ` at ${test.depth}` : ""}`, "tok/s", results, runs => runs.flatMap(run => run[kind])));
    }
}

async function measureFirstToken(test, parts, report) {
    for (const part of parts) {
        for await (const _ of createReadStream(part, {highWaterMark: 1 << 22}));
    }

    const {output} = await execute(join(root, "src/CpuMoe.Cli/bin/Release/net10.0/CpuMoe.Cli"), ["tokenize", "-m", test.model, "--json", firstPrompt]);
    const textTokens = JSON.parse(output).tokens.length;
    const results = await inTurn("first token", report, engine => engine.firstToken({...test, textTokens}));
    report.cases.push(compare("load to first token", "ms", results, runs => runs.map(run => run.first_token_ms)));
}

/** A limit that is too small for an engine ends its process, which is a result too. */
async function measureLimit(test, limit, report) {
    const results = await inTurn(`limit ${(limit / 2 ** 30).toFixed(2)} GiB`, report, async engine => {
        dropPageCache();
        const group = new MemoryGroup(limit);
        try {
            return {limit_bytes: limit, ...await engine.generate({...test, budget: `${Math.floor(limit / 2 ** 20)}MiB`, coldStart: dropPageCache}, group), ...group.result};
        } catch (fault) {
            if (fault instanceof ProcessError && fault.signal === "SIGKILL")
                return {limit_bytes: limit, failure: "killed: the limit is too small", ...group.result};
            throw fault;
        } finally {
            group.delete();
        }
    });
    const name = (limit / 2 ** 30).toFixed(2) + " GiB";
    for (const [kind, unit, value] of [["prefill", "tok/s", "prefill"], ["decode", "tok/s", "decode"], ["read per token", "MB", "decode_read_bytes"]])
        report.cases.push(compare(`${kind} in ${name}`, unit, results, runs => runs.filter(run => !run.failure).map(run => run[value] / (unit === "MB" ? 1e6 : 1))));
    return {
        limit_bytes: limit, file_part: limit / report.file_bytes,
        engines: engines.map(({name}) => ({engine: name, ...mediansOf(results[name])}))
    };
}

/** All results of each engine: within a round every engine has its turn, so that what disturbs the machine disturbs all. */
async function inTurn(name, report, run) {
    const results = Object.fromEntries(engines.map(engine => [engine.name, []]));
    for (let round = 1; round <= options.rounds; round++) {
        for (const engine of engines) {
            console.error(`${name}, round ${round} of ${options.rounds}: ${engine.name}`);
            const result = await run(engine);
            results[engine.name].push(result);
            report.processes.push({engine: engine.name, case: name, round, ...result});
        }
    }

    return results;
}

/** A ratio is how many times better CpuMoe is: of rates ours to theirs, of all else theirs to ours. */
function compare(name, unit, results, select) {
    const values = Object.fromEntries(Object.entries(results).map(([engine, runs]) => [engine, summary(select(runs))]));
    const {CpuMoe: ours, ...others} = values;
    const ratio = theirs => unit === "tok/s" ? ours?.median / theirs.median : theirs.median / ours?.median;
    return {case: name, unit, values, ratios: Object.fromEntries(Object.entries(others).map(([engine, theirs]) => [engine, ratio(theirs)]))};
}

/** Of everything that is a number in all processes. */
function mediansOf(runs) {
    const failed = runs.find(run => run.failure);
    return failed ?? Object.fromEntries(Object.entries(runs[0]).filter(([, value]) => typeof value === "number")
        .map(([name]) => [name, median(runs.map(run => run[name]))]));
}

/** How many processors others use now; the load average would remember what ran minutes ago. */
async function busyProcessors() {
    const times = () => cpus().map(({times: {idle, ...busy}}) => ({idle, all: Object.values(busy).reduce((sum, time) => sum + time, idle)}));
    const before = times();
    await setTimeout(1000);
    return times().reduce((sum, {idle, all}, i) => sum + 1 - (idle - before[i].idle) / Math.max(1, all - before[i].all), 0);
}

async function synthesize(recipe) {
    const [shape, layers, mix] = recipe.split(":");
    if (!mix)
        throw new Error(`--synth must be SHAPE:LAYERS:MIX, not '${recipe}'`);
    const file = join(folder, "synthetic.gguf");
    await execute("dotnet", ["run", "-c", "Release", "--project", join(root, "tools/CpuMoe.Synth"), "--",
        "--shape", shape, "--layers", layers, "--mix", mix, file]);
    return file;
}

/** All files of a split model. */
function partsOf(model) {
    const split = /^(.*-)00001-of-(\d{5})\.gguf$/.exec(model);
    return split ? Array.from({length: Number(split[2])}, (_, i) => `${split[1]}${String(i + 1).padStart(5, "0")}-of-${split[2]}.gguf`) : [model];
}
