// Runs programs and notes what only can be seen from outside.
import {spawn} from "node:child_process";
import {readFileSync} from "node:fs";

const sampleMs = 20;

/**
 * Runs a program to its end, inside a memory group where one is given, with variables added to the environment.
 * Gives its output, the milliseconds to the first byte of it and to the end, and what it had read from disks over time.
 */
export function execute(program, args, group, variables) {
    const command = [program, ...args.map(String)];
    if (group)
        command.unshift("/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', group.processes);
    const start = performance.now();
    const child = spawn(command[0], command.slice(1), {stdio: ["ignore", "pipe", "inherit"], env: {...process.env, ...variables}});
    const output = [], reads = [];
    let firstMs;
    const sample = () => {
        group.sample();
        const bytes = readBytes(child.pid);
        if (bytes !== undefined)
            reads.push({ms: performance.now() - start, bytes});
    };
    const timer = group && setInterval(sample, sampleMs);

    // Whoever ends this program ends the engine with it: one that fights for memory would go on for long.
    let stoppedBy;
    const stop = signal => {
        stoppedBy = signal;
        child.kill("SIGKILL");
    };
    process.on("SIGINT", stop).on("SIGTERM", stop);

    return new Promise((resolve, reject) => {
        child.stdout.on("data", data => {
            firstMs ??= performance.now() - start;
            output.push(data);
        });
        child.on("error", reject);
        child.on("close", (code, signal) => {
            clearInterval(timer);
            process.off("SIGINT", stop).off("SIGTERM", stop);
            if (stoppedBy)
                reject(new Error(`stopped by ${stoppedBy}`));
            else if (code === 0)
                resolve({output: Buffer.concat(output).toString("utf8"), firstMs: firstMs ?? performance.now() - start, reads});
            else
                reject(new ProcessError(`${program} ${signal ? `was ended by ${signal}` : `failed with ${code}`}`, signal));
        });
    });
}

export class ProcessError extends Error {
    constructor(message, signal) {
        super(message);
        this.signal = signal;
    }
}

/** Bytes that a process has made the system read from disks, faults on mapped pages included. */
export function readBytes(id) {
    try {
        return Number(/^read_bytes: (\d+)$/m.exec(readFileSync(`/proc/${id}/io`, "utf8"))[1]);
    } catch {
        return undefined; // It has just ended.
    }
}
