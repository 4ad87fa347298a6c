// Claude Code answers a prompt, goes on with that session, and begins another: node run.mjs
// The model is a tiny one of random weights whose turns are letters and end by themselves: the text is noise, the protocol counts.
import assert from "node:assert/strict";
import {execFile} from "node:child_process";
import {mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {promisify} from "node:util";
import {serve} from "../server.mjs";
import {events, record} from "./recorder.mjs";

const execute = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const context = 65536;

const folder = await mkdtemp(join(tmpdir(), "cpumoe-claude-code-"));
try {
    const model = join(folder, "talker.gguf");
    await execute("dotnet", ["run", "-c", "Release", "--no-build", "--project", `${here}../../../tools/CpuMoe.Synth`, "--",
        "--shape", "tiny", "--layers", "2", "--ctx", String(context), "--turn", "100", model]);
    const server = await serve({model, args: ["--alias", "claude-*", "--ctx", String(context)]});
    const wire = await record(server.url);
    try {
        await check(wire);
    } finally {
        wire.stop();
        await server.stop();
    }
} finally {
    await rm(folder, {recursive: true});
}

async function check(wire) {
    const first = await ask(wire, "Say something.");
    const [turn] = first.exchanges;
    assert.deepEqual(first.exchanges.map(({status}) => status), first.exchanges.map(() => 200));
    assert.ok(turn.prompt > 10_000, `a prompt of ${turn.prompt} tokens is not that of Claude Code`);
    console.log(`claude-code: a turn, prompt of ${turn.prompt} tokens, ${seconds(first)}`);

    // Its own answer is in the prompt now, and must be found again in the slot.
    const second = await ask(wire, "Say more.", "--resume", first.result.session_id);
    const [next] = second.exchanges;
    assert.equal(second.result.session_id, first.result.session_id);
    assert.ok(next.request.messages.length > turn.request.messages.length);
    assert.ok(next.cached >= turn.prompt - 100, `of ${next.prompt} tokens only ${next.cached} were cached; the turn before had ${turn.prompt}`);
    console.log(`claude-code: the next turn of the session, ${next.cached} of ${next.prompt} tokens cached, ${seconds(second)}`);

    const other = await ask(wire, "Say something else.");
    const [fresh] = other.exchanges;
    assert.notEqual(other.result.session_id, first.result.session_id);
    assert.ok(fresh.cached > fresh.prompt / 2, `of ${fresh.prompt} tokens only ${fresh.cached} were cached`);
    console.log(`claude-code: another session, ${fresh.cached} of ${fresh.prompt} tokens cached, ${seconds(other)}`);
}

/** Runs `claude -p`; gives its result and its requests for turns. */
async function ask(wire, prompt, ...args) {
    const before = wire.seen.length, start = performance.now();
    const run = execute(process.execPath, [join(here, "node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs"), "-p", prompt, "--output-format", "json", "--model", "claude-sonnet-4-5", ...args], {
        cwd: folder,
        timeout: 240_000,
        env: {
            PATH: process.env.PATH,
            HOME: folder,
            ANTHROPIC_BASE_URL: wire.url,
            ANTHROPIC_AUTH_TOKEN: "unused",
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
            CLAUDE_CODE_MAX_CONTEXT_TOKENS: String(context),
            CLAUDE_CODE_MAX_OUTPUT_TOKENS: "4096",
            DISABLE_AUTOUPDATER: "1",
        },
    });
    run.child.stdin.end();
    const {stdout} = await run;
    const result = JSON.parse(stdout);
    const exchanges = wire.seen.slice(before).filter(({path}) => /^\/v1\/messages(\?|$)/.test(path)).map(read);
    assert.deepEqual([result.type, result.subtype, result.is_error], ["result", "success", false]);
    assert.ok(exchanges.length > 0, "the server saw no request to /v1/messages");
    assert.match(result.result, /^[a-z ]+$/);
    assert.equal(result.result, exchanges.at(-1).text);
    return {result, exchanges, time: performance.now() - start};
}

/** What an exchange was about; it must be a stream that ends by itself. */
function read({request, status, response}) {
    assert.equal(request.stream, true);
    const stream = events(response);
    assert.deepEqual([stream[0].type, stream.at(-1).type], ["message_start", "message_stop"], response.slice(0, 1000));
    const {delta, usage} = stream.find(({type}) => type === "message_delta");
    assert.equal(delta.stop_reason, "end_turn");
    return {
        request,
        status,
        text: stream.flatMap(event => event.delta?.text ?? []).join(""),
        cached: usage.cache_read_input_tokens,
        prompt: usage.input_tokens + usage.cache_read_input_tokens,
    };
}

function seconds({time}) {
    return `${(time / 1000).toFixed(1)} s`;
}
