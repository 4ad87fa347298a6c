// Elements without HTML: texts only ever become text nodes.

/** Creates an element; properties are set, those with a dash in their name as attributes, and missing children are left out. */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") {
      node.setAttribute(name, value);
    } else {
      node[name] = value;
    }
  }

  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

/** A button that does something. */
export function button(text, action, className = "") {
  const node = element("button", { type: "button", className }, text);
  node.addEventListener("click", action);
  return node;
}

/** A picture of those in the page. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  picture.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  picture.append(use);
  return picture;
}

/** A button that copies a text and says so. */
export function copyButton(getText) {
  const node = button("Copy", async () => {
    node.textContent = (await copy(getText())) ? "Copied" : "Copying failed";
    setTimeout(() => { node.textContent = "Copy"; }, 1500);
  }, "quiet small");
  return node;
}

/** Lets a text box be as high as its text, within the limits of the style sheet. */
export function growWithText(box) {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // There is no clipboard for pages that come over plain HTTP from another machine.
    const box = element("textarea", { className: "unseen", value: text });
    const focused = document.activeElement;
    document.body.append(box);
    box.select();
    const isCopied = document.execCommand("copy");
    box.remove();
    focused?.focus();
    return isCopied;
  }
}
