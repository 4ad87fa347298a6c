// The calls of an answer, and boxes for their results.
import { argumentsOf, isOpen } from "./conversation.js";
import { button, element, growWithText, icon } from "./dom.js";

/** Shows calls while they grow, then asks for their results. */
export class CallsView {
  #answer;
  #sendResults;
  #views = [];
  #form = null;
  #number = CallsView.#count++;
  static #count = 0;

  constructor(answer, sendResults) {
    this.#answer = answer;
    this.#sendResults = sendResults;
    this.node = element("div", { className: "calls" });
  }

  update(isRunning) {
    const { calls } = this.#answer;
    for (const [i, call] of calls.entries()) {
      const view = this.#views[i] ??= this.#add(call);
      if (view.shown !== call.arguments || view.wasRunning !== isRunning) {
        view.shown = call.arguments;
        view.wasRunning = isRunning;
        view.body.replaceChildren(...describeArguments(call, isRunning));
      }

      if (call.result !== null && view.result === null) {
        view.result = element("details", { className: "result" }, element("summary", {}, "Result"), element("pre", {}, call.result));
        view.node.append(view.result);
      }
    }

    while (this.#views.length > calls.length) {
      this.#views.pop().node.remove();
    }

    const needsResults = !isRunning && calls.some(isOpen);
    if (needsResults && this.#form === null) {
      this.#ask(calls.filter(isOpen));
    } else if (!needsResults && this.#form !== null) {
      this.#form.remove();
      this.#form = null;
    }
  }

  #add(call) {
    const body = element("div", { className: "arguments" });
    const node = element("section", { className: "call", "aria-label": `Call of ${call.name}` },
      element("h3", {}, icon("tool"), element("span", {}, "Calls"), element("code", {}, call.name)), body);
    this.node.append(node);
    return { node, body, shown: null, wasRunning: null, result: null };
  }

  #ask(open) {
    const boxes = open.map((call, i) => {
      const id = `result-${this.#number}-${i}`;
      const box = element("textarea", { id, rows: 2, className: "code", spellcheck: false, placeholder: "Paste what the call returns" });
      box.addEventListener("input", () => growWithText(box));
      return { call, box, label: element("label", { htmlFor: id }, "Result of ", element("code", {}, call.name)) };
    });
    const send = button(open.length === 1 ? "Send the result" : "Send the results", () => {
      boxes.forEach(({ call, box }) => { call.result = box.value; });
      this.update(false);
      this.#sendResults();
    }, "primary");
    this.#form = element("div", { className: "results" }, ...boxes.flatMap(({ label, box }) => [label, box]), send);
    this.node.append(this.#form);
  }
}

function describeArguments(call, isRunning) {
  const values = argumentsOf(call);
  if (values === null) {
    return [element("pre", {}, call.arguments), ...(isRunning ? [] : [element("p", { className: "remark" }, "The call was not completed.")])];
  }

  const names = Object.keys(values);
  return names.length === 0 ? [element("p", { className: "remark" }, "No arguments.")]
    : [element("dl", {}, ...names.flatMap(name => [element("dt", {}, name), element("dd", {}, describeValue(values[name]))]))];
}

// Texts as they are, as they may be whole files; the rest as JSON.
function describeValue(value) {
  return element("pre", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2));
}
