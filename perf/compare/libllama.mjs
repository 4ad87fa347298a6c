// llama.cpp as prebuilt for node-llama-cpp, called in this thread without the binding's JavaScript: see README.md.
import {readFileSync} from "node:fs";
import {join} from "node:path";
import koffi from "koffi";

/** The release whose llama.h the layouts below are those of: another one needs a look at them. */
const knownRelease = "v0.5.0";

const mapped = 1; // LLAMA_LOAD_MODE_MMAP
const errorLevel = 4; // GGML_LOG_LEVEL_ERROR, the highest that is a message

const folder = join(import.meta.dirname, "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64");
const release = JSON.parse(readFileSync(join(folder, "_nlcBuildMetadata.json"), "utf8")).buildOptions.llamaCpp.release;
if (release !== knownRelease)
    throw new Error(`the installed llama.cpp is ${release}, not ${knownRelease}; delete node_modules and use the version pinned in package.json`);

koffi.struct("llama_model_params", {
    devices: "void *", tensor_buft_overrides: "void *", n_gpu_layers: "int32_t", split_mode: "int32_t", load_mode: "int32_t",
    lazy_mode: "int32_t", main_gpu: "int32_t", tensor_split: "void *", progress_callback: "void *",
    progress_callback_user_data: "void *", kv_overrides: "void *", vocab_only: "bool", check_tensors: "bool",
    use_extra_bufts: "bool", no_host: "bool", no_alloc: "bool", load_mtp: "bool"
});
koffi.struct("llama_context_params", {
    n_ctx: "uint32_t", n_batch: "uint32_t", n_ubatch: "uint32_t", n_seq_max: "uint32_t", n_rs_seq: "uint32_t",
    n_outputs_max: "uint32_t", n_outputs_max_per_seq: "uint32_t", n_threads: "int32_t", n_threads_batch: "int32_t",
    ctx_type: "int32_t", rope_scaling_type: "int32_t", pooling_type: "int32_t", attention_type: "int32_t", flash_attn_type: "int32_t",
    rope_freq_base: "float", rope_freq_scale: "float", yarn_ext_factor: "float", yarn_attn_factor: "float",
    yarn_beta_fast: "float", yarn_beta_slow: "float", yarn_orig_ctx: "uint32_t", defrag_thold: "float",
    cb_eval: "void *", cb_eval_user_data: "void *", type_k: "int32_t", type_v: "int32_t",
    abort_callback: "void *", abort_callback_data: "void *", embeddings: "bool", offload_kqv: "bool", no_perf: "bool",
    op_offload: "bool", swa_full: "bool", kv_unified: "bool", samplers: "void *", n_samplers: "size_t", ctx_other: "void *"
});
koffi.struct("llama_batch", {
    n_tokens: "int32_t", token: "void *", embd: "void *", pos: "void *", n_seq_id: "void *", seq_id: "void *", logits: "void *"
});
koffi.struct("llama_sampler_chain_params", {no_perf: "bool"});
koffi.struct("ggml_threadpool_params", {
    cpumask: koffi.array("bool", 512), n_threads: "int", prio: "int", poll: "uint32_t", strict_cpu: "bool", paused: "bool"
});

/** One model in memory with one context of one sequence. */
export class LlamaCpp {
    release = release;
    #base = koffi.load(join(folder, "libggml-base.so"));
    #ggml = koffi.load(join(folder, "libggml.v0.5.0.so"));
    #llama = koffi.load(join(folder, "libllama.v0.5.0.so"));
    #context;
    #memory;
    #model;
    #vocabulary;
    #tokens;
    #tokensView;

    #decode = this.#llama.func("int llama_decode(void *context, llama_batch batch)");
    #synchronize = this.#llama.func("void llama_synchronize(void *context)");
    #removeCells = this.#llama.func("bool llama_memory_seq_rm(void *memory, int32_t sequence, int32_t first, int32_t end)");

    /**
     * Loads a model. With repack (the default of llama.cpp) weights are laid out anew in memory of the process where the
     * processor gains from it; without, all are used in the mapped file. The variant names a build of its CPU code other
     * than the one that suits this processor best.
     */
    constructor(path, {length, batch, threads, repack, variant}) {
        const log = koffi.proto("void log(int level, const char *text, void *data)");
        this.#llama.func("void llama_log_set(log *callback, void *data)")(koffi.register(
            (level, text) => level === errorLevel && process.stderr.write(text), koffi.pointer(log)), null);
        if (!variant)
            this.#ggml.func("void ggml_backend_load_all_from_path(const char *folder)")(folder);
        else if (!this.#ggml.func("void *ggml_backend_load(const char *file)")(join(folder, `libggml-cpu-${variant}.so`)))
            throw new Error(`llama.cpp has no build '${variant}' that runs here`);
        this.#llama.func("void llama_backend_init()")();

        const modelDefaults = this.#llama.func("llama_model_params llama_model_default_params()")();
        this.#model = this.#llama.func("void *llama_model_load_from_file(const char *path, llama_model_params params)")(
            path, {...modelDefaults, n_gpu_layers: 0, load_mode: mapped, use_extra_bufts: repack});
        if (!this.#model)
            throw new Error(`llama.cpp cannot load ${path}`);
        this.#vocabulary = this.#llama.func("void *llama_model_get_vocab(void *model)")(this.#model);

        const contextDefaults = this.#llama.func("llama_context_params llama_context_default_params()")();
        this.#context = this.#llama.func("void *llama_init_from_model(void *model, llama_context_params params)")(
            this.#model, {...contextDefaults, n_ctx: length, n_batch: batch, n_ubatch: batch, n_threads: threads, n_threads_batch: threads});
        if (!this.#context)
            throw new Error(`llama.cpp cannot create a context of ${length} tokens`);
        this.#memory = this.#llama.func("void *llama_get_memory(void *context)")(this.#context);

        this.#attachThreads(threads);
        this.#tokens = koffi.alloc("int32_t", batch);
        this.#tokensView = new Int32Array(koffi.view(this.#tokens, batch * 4));
    }

    get vocabularySize() {
        return this.#llama.func("int32_t llama_vocab_n_tokens(void *vocabulary)")(this.#vocabulary);
    }

    get system() {
        return this.#llama.func("const char *llama_print_system_info()")();
    }

    tokenize(text) {
        const bytes = Buffer.from(text), tokens = new Int32Array(bytes.length + 8);
        const count = this.#llama.func("int32_t llama_tokenize(void *vocabulary, const char *text, int32_t length, int32_t *tokens, int32_t most, bool special, bool parse)")(
            this.#vocabulary, text, bytes.length, tokens, tokens.length, true, true);
        return tokens.subarray(0, count);
    }

    /** Evaluates the tokens after those of the sequence, in one pass; the logits are those of the last one. */
    evaluate(tokens) {
        this.#tokensView.set(tokens);
        const status = this.#decode(this.#context, {n_tokens: tokens.length, token: this.#tokens, embd: null, pos: null, n_seq_id: null, seq_id: null, logits: null});
        if (status !== 0)
            throw new Error(`llama_decode failed with ${status}`);
        this.#synchronize(this.#context);
    }

    /** Forgets all tokens from a position on. */
    truncate(length) {
        this.#removeCells(this.#memory, 0, length, -1);
    }

    /** Draws tokens from the logits of the last pass: the 40 most likely ones at temperature 1. */
    createSampler(seed) {
        const chain = this.#llama.func("void *llama_sampler_chain_init(llama_sampler_chain_params params)")({no_perf: true});
        const add = this.#llama.func("void llama_sampler_chain_add(void *chain, void *sampler)");
        add(chain, this.#llama.func("void *llama_sampler_init_top_k(int32_t k)")(40));
        add(chain, this.#llama.func("void *llama_sampler_init_dist(uint32_t seed)")(seed));
        const sample = this.#llama.func("int32_t llama_sampler_sample(void *chain, void *context, int32_t index)");
        return () => sample(chain, this.#context, -1);
    }

    /** Threads that stay, as llama-bench has them; by default each pass would create and end its own. */
    #attachThreads(threads) {
        const registry = this.#ggml.func("void *ggml_backend_reg_by_name(const char *name)")("CPU");
        const create = this.#base.func("void *ggml_backend_reg_get_proc_address(void *registry, const char *name)")(registry, "ggml_threadpool_new");
        const params = this.#base.func("ggml_threadpool_params ggml_threadpool_params_default(int threads)")(threads);
        const pool = koffi.decode(create, koffi.proto("void *create(ggml_threadpool_params *params)"))(params);
        if (!pool)
            throw new Error(`llama.cpp cannot create ${threads} threads`);
        this.#llama.func("void llama_attach_threadpool(void *context, void *pool, void *batchPool)")(this.#context, pool, null);
    }
}
