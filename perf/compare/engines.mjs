// The engines: how each is started for each kind of measurement, and its output in the form common to all.
import {join} from "node:path";
import {cpuVariants} from "./options.mjs";
import {execute} from "./processes.mjs";
import {median} from "./statistics.mjs";

const here = import.meta.dirname;
const cpuMoe = join(here, "../../src/CpuMoe.Cli/bin/Release/net10.0/CpuMoe.Cli");

/** What is timed to its first token. */
export const firstPrompt = "The quick brown fox jumps over the lazy dog.";

/**
 * rates gives tokens per second of all repetitions, in memory. firstToken gives milliseconds from the start to the first
 * token. generate gives rates, times and reads of generation with whatever memory there is in the group.
 */
export function createEngines({engines, ik}) {
    const all = [
        {name: "CpuMoe", rates: cpuMoeRates, firstToken: cpuMoeFirstToken, generate: cpuMoeGenerate},
        {name: "CpuMoe mapped", generate: (test, group) => cpuMoeGenerate({...test, budget: "unlimited"}, group)},
        {name: "llama.cpp", rates: test => llamaCpp("rates", test), firstToken: test => llamaCpp("firstToken", test), generate: (test, group) => llamaCpp("generate", test, group)},
        {name: "ik_llama.cpp", rates: test => ikRates(ik, test), firstToken: test => ikFirstToken(ik, test), generate: (test, group) => ikGenerate(ik, test, group)}
    ];
    return all.filter(({name}) => engines.includes(name));
}

async function cpuMoeRates(test) {
    // The repetitions of a process come as median, smallest and largest: of up to three, that is all of them.
    const result = await cpuMoeBench(test, ["--depth", test.depth]);
    const spread = rate => !rate ? [] : test.repetitions === 2 ? [rate.min, rate.max]
        : [...new Set([rate.min, rate.median, rate.max])];
    return {...result, prefill: spread(result.prefill), decode: spread(result.decode)};
}

async function cpuMoeFirstToken({model, threads, variant}) {
    const {firstMs} = await execute(cpuMoe, ["run", "-m", model, "--threads", threads, "--ctx", 512, "--raw", "-p", firstPrompt, "-n", 1, "--temp", 0], undefined, cpuVariants[variant]);
    return {first_token_ms: firstMs};
}

async function cpuMoeGenerate(test, group) {
    const {prefill, decode, ...rest} = await cpuMoeBench(test, ["--generate", "--memory", test.budget], group);
    return {
        ...rest, prefill_stalled_ms: prefill.stalled_ms_per_token, decode_stalled_ms: decode.stalled_ms_per_token,
        prefill: prefill.median, decode: decode.median, p50_ms: decode.p50_ms, p99_ms: decode.p99_ms,
        prefill_read_bytes: prefill.read_bytes_per_token, decode_read_bytes: decode.read_bytes_per_token
    };
}

async function cpuMoeBench(test, args, group) {
    const {output} = await execute(cpuMoe, ["bench", "-m", test.model, "-p", test.prompt, "-n", test.generated, "-r", test.repetitions,
        "--threads", test.threads, "--batch", test.batch, "--json", ...args], group, cpuVariants[test.variant]);
    return JSON.parse(output);
}

async function llamaCpp(measurement, test, group) {
    const {output} = await execute(process.execPath, [join(here, "llama-cpp.mjs"), JSON.stringify({...test, measurement, text: firstPrompt})], group);
    return JSON.parse(output);
}

/** llama-bench of ik_llama.cpp measures prefill from an empty cache only; decode after a prompt is its -gp. */
async function ikRates(program, test) {
    const rates = async (tokens, ...args) => (await ikSamples(program, test, args)).seconds.map(time => tokens / time);
    return {
        prefill: test.prompt > 0 && test.depth === 0 ? await rates(test.prompt, "-p", test.prompt, "-n", 0) : [],
        decode: test.generated === 0 ? []
            : test.depth === 0 ? await rates(test.generated, "-p", 0, "-n", test.generated)
            : await rates(test.generated, "-p", 0, "-n", 0, "-gp", `${test.depth},${test.generated}`)
    };
}

/** Its first output comes after the prompt has been evaluated. */
async function ikFirstToken(program, test) {
    const {firstMs} = await ikSamples(program, {...test, repetitions: 1}, ["-w", 0, "-p", test.textTokens, "-n", 0]);
    return {first_token_ms: firstMs};
}

/**
 * llama-bench evaluates random tokens instead of those that the model chooses, and tells no times of single tokens. What
 * it read is known from outside: its last repetition ends with its output, and began as much earlier as it took.
 */
async function ikGenerate(program, test, group) {
    const untimedFirst = {...test, repetitions: test.repetitions + 1};
    const one = async (tokens, ...args) => {
        const {seconds, firstMs, reads} = await ikSamples(program, untimedFirst, ["-w", 0, ...args], group);
        const start = firstMs - seconds.at(-1) * 1000;
        const bytesAt = ms => reads.findLast(sample => sample.ms <= ms)?.bytes ?? 0;
        return {rates: seconds.slice(1).map(time => tokens / time), readBytes: (bytesAt(firstMs) - bytesAt(start)) / tokens};
    };
    const prefill = await one(test.prompt, "-p", test.prompt, "-n", 0);
    test.coldStart();
    const decode = await one(test.generated, "-p", 0, "-n", 0, "-gp", `${test.prompt},${test.generated}`);
    return {
        prefill: median(prefill.rates), decode: median(decode.rates),
        prefill_read_bytes: prefill.readBytes, decode_read_bytes: decode.readBytes
    };
}

async function ikSamples(program, test, args, group) {
    const {output, ...rest} = await execute(program, ["-m", test.model, "-t", test.threads, "-ngl", 0, "-r", test.repetitions,
        "-b", test.batch, "-ub", test.batch, "-o", "json", ...args], group);
    return {...rest, seconds: JSON.parse(output).flatMap(entry => entry.samples_ns).map(time => time / 1e9)};
}
