// A memory cgroup for one process, of version 1 or 2.
import {execFileSync} from "node:child_process";
import {existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync} from "node:fs";
import {dirname, join} from "node:path";

/** Bytes of swap that are allowed where none can be asked for: see below. */
const slack = 2 ** 20;

/** The process in it, its page cache included, gets no more memory than the limit. */
export class MemoryGroup {
    #folder;
    #files;
    #peakAnonymous = 0;
    #peak = 0;

    constructor(limitBytes) {
        const {version, parent} = findParent();
        this.#files = version === 1
            ? {limit: "memory.limit_in_bytes", swap: "memory.memsw.limit_in_bytes", usage: "memory.usage_in_bytes", peak: "memory.max_usage_in_bytes",
                anonymous: /^total_rss (\d+)$/m, hits: ["memory.failcnt", /(\d+)/]}
            : {limit: "memory.max", swap: "memory.swap.max", usage: "memory.current", peak: "memory.peak",
                anonymous: /^anon (\d+)$/m, hits: ["memory.events", /^max (\d+)$/m]};
        this.#folder = join(parent, `cpumoe-compare-${process.pid}`);
        try {
            mkdirSync(this.#folder);
            this.#write(this.#files.limit, limitBytes);
        } catch (fault) {
            this.delete();
            throw new Error(`no memory cgroup can be made in ${parent} (${fault.message}); --memory-limit needs root and, in a container, a writable /sys/fs/cgroup`);
        }

        // Without swap; where it is not counted, the file does not exist. In version 1 this is the sum of both, and a
        // little more than the limit, because only the hits of the limit itself are counted.
        if (this.#has(this.#files.swap))
            this.#write(this.#files.swap, version === 1 ? limitBytes + slack : 0);
    }

    /** A process that writes its number here is in the group. */
    get processes() {
        return join(this.#folder, "cgroup.procs");
    }

    /** To be called often: peaks that the system does not keep are those seen here. */
    sample() {
        this.#peakAnonymous = Math.max(this.#peakAnonymous, Number(this.#files.anonymous.exec(this.#read("memory.stat"))?.[1] ?? 0));
        this.#peak = Math.max(this.#peak, Number(this.#read(this.#files.usage)));
    }

    /** What the group needed so far, and how often the system had to take pages away for more. */
    get result() {
        const [file, count] = this.#files.hits;
        return {
            peak_anonymous_bytes: this.#peakAnonymous,
            peak_bytes: this.#has(this.#files.peak) ? Number(this.#read(this.#files.peak)) : this.#peak,
            limit_hits: Number(count.exec(this.#read(file))[1])
        };
    }

    delete() {
        // A process that has just ended may keep it busy for a moment.
        for (let attempt = 0; existsSync(this.#folder); attempt++) {
            try {
                rmdirSync(this.#folder);
            } catch (fault) {
                if (attempt === 50)
                    throw fault;
                Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
            }
        }
    }

    #has(file) {
        return existsSync(join(this.#folder, file));
    }

    #read(file) {
        return readFileSync(join(this.#folder, file), "utf8");
    }

    #write(file, value) {
        writeFileSync(join(this.#folder, file), String(value));
    }
}

/** Leaves only what running processes use in memory, so that a file comes from the disk. */
export function dropPageCache() {
    execFileSync("sync"); // A page that is not written yet stays.
    try {
        writeFileSync("/proc/sys/vm/drop_caches", "3");
    } catch (fault) {
        throw new Error(`the page cache cannot be emptied (${fault.message}); --memory-limit needs root`);
    }
}

/** The folder in which a group can be made: the top in version 1; in version 2 the nearest above this process that passes memory on. */
function findParent() {
    const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter(Boolean).map(line => {
        const [mount, system] = line.split(" - ").map(half => half.split(" "));
        return {root: mount[3], folder: mount[4], type: system[0], options: system[2].split(",")};
    });
    const first = mounts.find(({type, options}) => type === "cgroup" && options.includes("memory"));
    if (first)
        return {version: 1, parent: first.folder};

    const second = mounts.find(({type}) => type === "cgroup2");
    if (second) {
        const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))[1];
        const inMount = own.startsWith(second.root) ? own.slice(second.root.length) : "";
        for (let folder = join(second.folder, inMount); folder.startsWith(second.folder); folder = dirname(folder)) {
            if (/\bmemory\b/.test(readFileSync(join(folder, "cgroup.subtree_control"), "utf8")))
                return {version: 2, parent: folder};
        }
    }

    throw new Error("--memory-limit needs memory cgroups: none of version 1 is mounted, and none of version 2 passes memory on (cgroup.subtree_control)");
}
