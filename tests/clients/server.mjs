// Starts `cpumoe serve` and ends it.
import {spawn} from "node:child_process";
import {once} from "node:events";
import {createInterface} from "node:readline";
import {fileURLToPath} from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Serves a model on a free port; gives the URL and what ends the server. Without a model it is the bundled one. */
export async function serve({model, args = []} = {}) {
    const command = ["run", "-c", "Release", "--no-build", "--project", `${root}src/CpuMoe.Cli`, "--", "serve", "--port", "0", ...(model ? ["-m", model] : []), ...args];
    const child = spawn("dotnet", command, {stdio: ["ignore", "pipe", "pipe"]});
    let log = "";
    child.stderr.on("data", data => log += data);
    const exit = once(child, "exit");

    // Whoever ends this program ends the server with it.
    process.once("exit", () => child.kill()).once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143));
    const url = await Promise.race([
        once(createInterface({input: child.stdout}), "line").then(([line]) => line.trim()),
        exit.then(([code]) => { throw new Error(`cpumoe serve ended with ${code}:\n${log}`); }),
    ]);
    return {
        url,
        log: () => log,
        async stop() {
            child.kill("SIGTERM");
            const timer = setTimeout(() => child.kill("SIGKILL"), 40_000);
            await exit;
            clearTimeout(timer);
        },
    };
}

/** Waits until the server works on nothing any more. */
export async function untilIdle(url) {
    for (let i = 0; i < 100; i++) {
        const metrics = await (await fetch(`${url}/metrics`)).text();
        const busy = [...metrics.matchAll(/^cpumoe_requests_(?:processing|deferred)(?:\{[^}]*\})? (\d+)/gm)].map(match => Number(match[1]));
        if (busy.length > 0 && busy.every(count => count === 0))
            return;
        await new Promise(resolve => setTimeout(resolve, 100));
    }
    throw new Error("the server still works on requests that nobody waits for");
}
