// One measurement of llama.cpp, as a process of its own: node llama-cpp.mjs '{"model": ..., "threads": ..., ...}'
//
// The protocol is that of llama-bench: random tokens, llama_decode and llama_synchronize per pass, no sampling. The
// binding's own evaluation samples a token in JavaScript after each pass, so its low-level context is used, of which
// decodeBatch() is exactly the two calls above on a thread of libuv. What remains of JavaScript is one promise per
// pass (some tens of microseconds): it matters for toy models only.
import {getLlama, getModuleVersion} from "node-llama-cpp";

const {model: modelPath, threads, prompt, generated, depth, batch, repetitions} = JSON.parse(process.argv[2]);
const steadySeconds = 1;
const warmUpTokens = 16;

const llama = await getLlama({
    gpu: false, build: "never", skipDownload: true, maxThreads: 0, progressLogs: false,
    logger: (level, message) => ["error", "fatal"].includes(level) && process.stderr.write(message)
});

// The defaults of the binding: mapped file, F16 cache, flash attention where the model allows; those of llama.cpp too,
// which repacks weights for the CPU while loading.
const loadStart = performance.now();
const model = await llama.loadModel({modelPath, gpuLayers: 0, useMmap: true});
const loadMs = performance.now() - loadStart;
const length = Math.max(prompt, generated);
const context = await model.createContext({contextSize: depth + length, batchSize: batch, threads, flashAttention: "auto"});
const low = context._ctx;
if (typeof low?.decodeBatch !== "function")
    throw new Error("This version of node-llama-cpp has no low-level context; use the one pinned in package.json.");
low.setThreads(threads);

const random = randomNumbers(1);
const vocabulary = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
const tokens = Uint32Array.from({length: depth + length}, () => random() % vocabulary);

await evaluate(0, depth, batch);
const result = {
    release: llama.llamaCppRelease.release,
    binding: await getModuleVersion(),
    threads: low.getThreads(),
    mmap: model.useMmap,
    prefill: prompt > 0 ? await measure(prompt, prompt, batch) : [],
    decode: generated > 0 ? await measure(generated, Math.min(generated, warmUpTokens), 1) : [],
    load_ms: loadMs,
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    system: llama.systemInfo.trim()
};
await llama.dispose();
process.stdout.write(JSON.stringify(result) + "\n");
process.exit(0);

/** Tokens per second of each repetition, after passes that have become no faster for a while. */
async function measure(count, warmUpCount, tokensPerPass) {
    for (let best = Infinity, improved = performance.now(); performance.now() - improved < steadySeconds * 1000;) {
        const time = await timeFromDepth(warmUpCount, tokensPerPass);
        if (time < best * 0.98)
            improved = performance.now();
        best = Math.min(best, time);
        if (time > steadySeconds * 1000)
            break;
    }

    const rates = [];
    for (let i = 0; i < repetitions; i++)
        rates.push(count / await timeFromDepth(count, tokensPerPass) * 1000);
    return rates;
}

async function timeFromDepth(count, tokensPerPass) {
    low.removeTokenCellsFromSequence(0, depth, -1);
    const start = performance.now();
    await evaluate(depth, count, tokensPerPass);
    return performance.now() - start;
}

async function evaluate(first, count, tokensPerPass) {
    for (let done = 0; done < count; done += tokensPerPass) {
        const pass = tokens.subarray(first + done, first + Math.min(count, done + tokensPerPass));
        low.initBatch(pass.length);
        low.addToBatch(0, first + done, pass, Uint32Array.of(pass.length - 1));
        await low.decodeBatch();
    }
}

/** Whole numbers of 32 bits that are the same in every run (Marsaglia's xorshift). */
function randomNumbers(state) {
    return () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return state >>> 0;
    };
}
