// A message of the user, which can be changed.
import { button, element, growWithText } from "./dom.js";

/** Shows a message; edit(text) is called with a new text. */
export function questionView(entry, edit) {
  const node = element("article", { className: "message question", "aria-label": "Your message" });
  const show = () => {
    const change = button("Edit", () => showEditor(), "quiet small");
    node.replaceChildren(element("div", { className: "text plain" }, entry.text), element("div", { className: "actions" }, change));
    return change;
  };
  const showEditor = () => {
    const box = element("textarea", { value: entry.text, "aria-label": "Change your message" });
    const save = () => {
      if (box.value.trim() !== "") {
        edit(box.value.trim());
      }
    };
    const cancel = () => show().focus();
    box.addEventListener("input", () => growWithText(box));
    box.addEventListener("keydown", event => {
      if (event.key === "Escape") {
        event.stopPropagation();
        cancel();
      } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        save();
      }
    });
    node.replaceChildren(element("div", { className: "editor" }, box,
      element("p", { className: "hint" }, "What was said after it is dropped."),
      element("div", { className: "actions" }, button("Cancel", cancel), button("Send", save, "primary"))));
    growWithText(box);
    box.focus();
  };
  show();
  return node;
}
