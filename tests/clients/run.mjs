// Runs the JavaScript clients of all protocols against a server of the bundled model: node run.mjs [CLIENT...]
import {parseArgs} from "node:util";
import {serve, untilIdle} from "./server.mjs";

const clients = ["openai", "anthropic", "ai", "ollama"];
const {positionals} = parseArgs({allowPositionals: true});
for (const name of positionals) {
    if (!clients.includes(name))
        throw new Error(`there is no client ${name}; there are ${clients.join(", ")}`);
}

let passed = 0, failed = 0;
const server = await serve({args: ["--alias", "gpt-*", "--slots", "2"]});
try {
    for (const client of positionals.length > 0 ? positionals : clients) {
        const {tests} = await import(`./${client}.mjs`);
        for (const [name, test] of Object.entries(tests(server.url, () => untilIdle(server.url)))) {
            try {
                await test();
                passed++;
                console.log(`${client}: ${name}`);
            } catch (error) {
                failed++;
                console.error(`${client}: ${name} FAILED`, error);
            }
        }
    }
} finally {
    await server.stop();
}

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
