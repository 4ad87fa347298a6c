// The command line.
import {readFileSync} from "node:fs";
import {availableParallelism, cpus} from "node:os";
import {parseArgs} from "node:util";

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
  --first-token   also measure the time from the start to the first token, file in memory
  --memory-limit SIZE[,SIZE...]
                  measure generation inside a memory cgroup instead, one case for each size (3GiB, or 50% of the file),
                  from a cold page cache; needs root
  --mapped        under a limit: measure CpuMoe also through the mapped file as the others, without a --memory budget
  --no-repack     llama.cpp uses weights as they are in the file instead of laying them out anew for the processor, its
                  default; always so under a limit
  --cpu-variant V on a processor with AVX-512, play a lesser one: haswell (AVX2) or alderlake (AVX2 and AVX-VNNI).
                  llama.cpp uses its build of that name, CpuMoe the same instruction sets; not for ik_llama.cpp
  --engines E,... only these of CpuMoe, CpuMoe mapped, llama.cpp, ik_llama.cpp
  --ik PATH       also measure the llama-bench of ik_llama.cpp
  --json FILE     write all results
  --svg FILE      draw the rates`;

const units = {"": 1, b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12};

/** Processors to play, with what makes .NET use no more instructions than they have. */
export const cpuVariants = {
    haswell: {DOTNET_EnableAVX512: "0", DOTNET_EnableAVXVNNI: "0"},
    alderlake: {DOTNET_EnableAVX512: "0"}
};

/** The options; ends the process where they make no sense. */
export function readOptions() {
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
                rounds: {type: "string", default: "3"},
                "first-token": {type: "boolean", default: false},
                "memory-limit": {type: "string"}, mapped: {type: "boolean", default: false},
                "no-repack": {type: "boolean", default: false}, engines: {type: "string"}, "cpu-variant": {type: "string"}
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
        const options = {
            ...values, model: positionals[0],
            prompt: number("prompt", 0), generated: number("generated", 0), threads: number("threads", 0) || physicalCores(),
            batch: number("batch", 1), repetitions: number("repetitions", 1), rounds: number("rounds", 1),
            depths: values.depths.split(",").map(Number), firstToken: values["first-token"],
            repack: !values["no-repack"] && !values["memory-limit"],
            limits: values["memory-limit"]?.split(",").map(readLimit), engines: readEngines(values),
            variant: values["cpu-variant"] ?? null
        };
        if (options.limits ? options.prompt === 0 || options.generated === 0 : options.prompt + options.generated === 0 && !options.firstToken)
            throw new Error(options.limits ? "--memory-limit needs a prompt (-p) and tokens (-n)" : "-p 0 and -n 0 leave nothing to measure");
        if (options.mapped && !options.limits)
            throw new Error("--mapped needs --memory-limit: without a limit CpuMoe uses the mapped file anyway");
        if (!options.depths.every(depth => Number.isInteger(depth) && depth >= 0))
            throw new Error(`-d must be integers of 0 or more with commas between, not '${values.depths}'`);
        if (options.variant !== null && (!Object.hasOwn(cpuVariants, options.variant) || options.ik))
            throw new Error(`--cpu-variant takes ${Object.keys(cpuVariants).join(" or ")}, without --ik`);
        return options;
    } catch (fault) {
        console.error(`compare: ${fault.message}\n\n${usage}`);
        process.exit(2);
    }
}

/** A function from the size of the file to the limit in bytes. */
function readLimit(text) {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*(%|[a-z]*)$/i.exec(text.trim()) ?? [];
    const factor = units[unit?.toLowerCase()];
    if (Number(digits) > 0 && (unit === "%" || factor))
        return fileBytes => Math.floor(unit === "%" ? fileBytes * digits / 100 : digits * factor);
    throw new Error(`a memory limit must be a size such as 3GiB, or a part of the file such as 50%, not '${text}'`);
}

function readEngines({engines, mapped, ik}) {
    const all = ["CpuMoe", ...(mapped ? ["CpuMoe mapped"] : []), "llama.cpp", ...(ik ? ["ik_llama.cpp"] : [])];
    const chosen = engines?.split(",") ?? all;
    const unknown = chosen.find(name => !all.includes(name));
    if (unknown !== undefined)
        throw new Error(`--engines takes ${all.join(", ")}, not '${unknown}'${{"ik_llama.cpp": " without --ik", "CpuMoe mapped": " without --mapped"}[unknown] ?? ""}`);
    return all.filter(name => chosen.includes(name));
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
