// An answer on the page: thought, text, calls of tools, and what it cost.
import { button, copyButton, element } from "./dom.js";
import { render } from "./markdown.js";
import { CallsView } from "./calls-view.js";

const running = ["waiting", "thinking", "writing"];

/** Shows an answer while it grows. */
export class AnswerView {
  #answer;
  #thought = null;
  #isThoughtTouched = false;
  #body = element("div", { className: "text" });
  #calls;
  #status = element("p", { className: "status" });
  #foot = element("div", { className: "foot" });
  #isScheduled = false;
  #handlers;

  /** Handlers: regenerate(), sendResults(), announce(text), rendered(). */
  constructor(answer, handlers) {
    this.#answer = answer;
    this.#handlers = handlers;
    this.#calls = new CallsView(answer, handlers.sendResults);
    this.node = element("article", { className: "message answer", "aria-label": "Answer" }, this.#body, this.#calls.node, this.#status, this.#foot);
    this.update();
  }

  /** Shows what is new with the next frame. */
  schedule() {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      requestAnimationFrame(() => {
        this.#isScheduled = false;
        this.update();
        this.#handlers.rendered();
      });
    }
  }

  /** Shows everything now. */
  update() {
    const answer = this.#answer;
    const isRunning = running.includes(answer.state);
    this.node.setAttribute("aria-busy", String(isRunning));
    this.#updateThought();
    const complete = render(this.#body, answer.content);
    this.#calls.update(isRunning);
    this.#status.hidden = !isRunning;
    this.#status.textContent = isRunning ? this.#progress() : "";
    this.#announce(isRunning ? complete : this.#body.childElementCount);
    if (!isRunning && this.#foot.childElementCount === 0) {
      this.#showFoot();
    }
  }

  #updateThought() {
    const { reasoning, state, thoughtSeconds } = this.#answer;
    if (reasoning === "") {
      return;
    }

    if (this.#thought === null) {
      const text = element("div", { className: "thought-text" }, document.createTextNode(""));
      const title = element("summary");
      title.addEventListener("click", () => { this.#isThoughtTouched = true; });
      this.#thought = element("details", { className: "thought", open: state === "thinking" }, title, text);
      this.node.prepend(this.#thought);
    }

    const [title, text] = this.#thought.children;
    const known = text.firstChild;
    const isAtEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 24;
    if (reasoning.length > known.length) {
      known.appendData(reasoning.slice(known.length));
    }

    if (isAtEnd) {
      text.scrollTop = text.scrollHeight;
    }

    const isThinking = state === "thinking";
    this.#thought.classList.toggle("live", isThinking);
    title.textContent = isThinking ? "Thinking" : `Thought${thoughtSeconds === null ? "" : ` for ${duration(thoughtSeconds)}`}`;
    if (!isThinking && !this.#isThoughtTouched) {
      // It made room for the answer; a reader who opened it keeps it.
      this.#thought.open = false;
      this.#isThoughtTouched = true;
    }
  }

  #progress() {
    const seconds = (Date.now() - this.#answer.started) / 1000;
    const what = { waiting: "Reading the prompt", thinking: "Thinking", writing: "Writing" }[this.#answer.state];
    return seconds < 2 ? `${what}…` : `${what}… ${duration(Math.floor(seconds))}`;
  }

  // Whole blocks, so that a screen reader is not interrupted with every word.
  #announced = 0;

  #announce(count) {
    for (; this.#announced < count; this.#announced++) {
      const block = this.#body.children[this.#announced];
      this.#handlers.announce(block.className === "code-block" ? "A block of code." : block.textContent);
    }
  }

  #showFoot() {
    const answer = this.#answer;
    const notes = [];
    if (answer.state === "failed") {
      notes.push(element("p", { className: "notice", role: "alert" }, answer.fault));
    } else if (answer.state === "stopped") {
      notes.push(element("p", { className: "remark" }, "Stopped."));
    } else if (answer.finish === "length") {
      notes.push(element("p", { className: "remark" }, "Cut off: no more tokens were allowed, or fit."));
    } else if (answer.content === "" && answer.calls.length === 0) {
      notes.push(element("p", { className: "remark" }, "The answer is empty."));
    }

    const again = button(answer.state === "failed" ? "Try again" : "Regenerate", this.#handlers.regenerate, "quiet small regenerate");
    const actions = element("div", { className: "actions" }, answer.content === "" ? null : copyButton(() => answer.content), again, this.#statistics());
    this.#foot.append(...notes, actions);
  }

  #statistics() {
    const { usage, timings, seconds, state } = this.#answer;
    const parts = [];
    if (usage) {
      parts.push(count(usage.completion_tokens, "token"));
    }

    if (timings?.predicted_per_second > 0) {
      parts.push(`${timings.predicted_per_second.toFixed(1)} tokens/s`);
    }

    if (usage) {
      const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
      parts.push(`prompt ${usage.prompt_tokens}${cached > 0 ? ` (${cached} cached)` : ""}`);
    }

    if (seconds !== null && state !== "failed") {
      parts.push(duration(seconds));
    }

    return element("span", { className: "statistics" }, parts.join(" · "));
  }
}

function count(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function duration(seconds) {
  const whole = Math.round(seconds);
  return seconds < 10 && !Number.isInteger(seconds) ? `${seconds.toFixed(1)} s` : whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
