// One measurement of llama.cpp, as a process of its own: node llama-cpp.mjs '{"measurement": "rates", "model": ..., ...}'
import {LlamaCpp} from "./libllama.mjs";
import {readBytes} from "./processes.mjs";
import {median, percentile} from "./statistics.mjs";

const steadySeconds = 1;
const warmUpTokens = 16;

const {measurement, model, threads, prompt, generated, depth = 0, batch, repetitions, repack, variant, text} = JSON.parse(process.argv[2]);
const loadStart = performance.now();
const length = measurement === "firstToken" ? 512 : depth + (measurement === "generate" ? prompt + generated : Math.max(prompt, generated));
const llama = new LlamaCpp(model, {length, batch, threads, repack, variant});
const loadMs = performance.now() - loadStart;
const result = {rates, firstToken, generate}[measurement]();
process.stdout.write(JSON.stringify({
    release: llama.release, threads, load_ms: loadMs, ...result,
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024, system: llama.system.trim()
}) + "\n", () => process.exit(0));

/** The protocol of llama-bench: random tokens, passes in a warm context, no sampling. */
function rates() {
    const tokens = randomTokens(length, 1);
    evaluate(tokens.subarray(0, depth), batch);
    return {
        prefill: prompt > 0 ? measure(prompt, prompt, batch) : [],
        decode: generated > 0 ? measure(generated, Math.min(generated, warmUpTokens), 1) : []
    };

    /** Tokens per second of each repetition, after passes that have become no faster for a while. */
    function measure(count, warmUpCount, tokensPerPass) {
        for (let best = Infinity, improved = performance.now(); performance.now() - improved < steadySeconds * 1000;) {
            const time = timeFromDepth(warmUpCount, tokensPerPass);
            if (time < best * 0.98)
                improved = performance.now();
            best = Math.min(best, time);
            if (time > steadySeconds * 1000)
                break;
        }

        return Array.from({length: repetitions}, () => count / timeFromDepth(count, tokensPerPass) * 1000);
    }

    function timeFromDepth(count, tokensPerPass) {
        llama.truncate(depth);
        return time(() => evaluate(tokens.subarray(depth, depth + count), tokensPerPass));
    }
}

/** From the start of loading; the start of Node.js, which is not llama.cpp's, is left out. */
function firstToken() {
    evaluate(llama.tokenize(text), batch);
    llama.createSampler(1)();
    return {first_token_ms: performance.now() - loadStart};
}

/** A new prompt for each repetition and then tokens that the model chooses, after an untimed one with few tokens. */
function generate() {
    const prefill = [], decode = [], tokenMs = [], token = new Int32Array(1);
    let prefillBytes = 0, decodeBytes = 0;
    for (let repetition = 0; repetition <= repetitions; repetition++) {
        const tokens = randomTokens(prompt, repetition + 1), sample = llama.createSampler(repetition);
        llama.truncate(0);
        const readBefore = readBytes("self");
        const promptMs = time(() => {
            evaluate(tokens, batch);
            token[0] = sample();
        });
        const readAfterPrompt = readBytes("self");
        const times = Array.from({length: repetition > 0 ? generated : Math.min(generated, warmUpTokens)}, () => time(() => {
            llama.evaluate(token);
            token[0] = sample();
        }));
        if (repetition > 0) {
            prefill.push(prompt / promptMs * 1000);
            decode.push(generated / times.reduce((sum, ms) => sum + ms) * 1000);
            tokenMs.push(...times);
            prefillBytes += readAfterPrompt - readBefore;
            decodeBytes += readBytes("self") - readAfterPrompt;
        }
    }

    return {
        prefill: median(prefill), decode: median(decode), p50_ms: percentile(tokenMs, 50), p99_ms: percentile(tokenMs, 99),
        prefill_read_bytes: prefillBytes / (prompt * repetitions), decode_read_bytes: decodeBytes / (generated * repetitions)
    };
}

function evaluate(tokens, tokensPerPass) {
    for (let done = 0; done < tokens.length; done += tokensPerPass)
        llama.evaluate(tokens.subarray(done, done + tokensPerPass));
}

function time(action) {
    const start = performance.now();
    action();
    return performance.now() - start;
}

/** The same for a seed in every run (Marsaglia's xorshift). */
function randomTokens(count, seed) {
    let state = seed;
    const next = () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return state >>> 0;
    };
    const vocabulary = llama.vocabularySize;
    return Int32Array.from({length: count}, () => next() % vocabulary);
}
