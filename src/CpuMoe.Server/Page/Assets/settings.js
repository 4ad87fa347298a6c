// What the user wants of all answers, kept in the browser.

const storageName = "cpumoe.settings";
const defaults = { system: "", thinking: "", temperature: "", maxTokens: "", tools: "" };

/** The settings as the texts of their fields. */
export function loadSettings() {
  try {
    return { ...defaults, ...JSON.parse(localStorage.getItem(storageName)) };
  } catch {
    return { ...defaults };
  }
}

/** The members of a request that follow from the settings; what is not set is the server's to choose. */
export function toRequest(settings) {
  const request = {};
  if (settings.temperature !== "") {
    request.temperature = Number(settings.temperature);
  }

  if (settings.maxTokens !== "") {
    request.max_completion_tokens = Number(settings.maxTokens);
  }

  if (settings.thinking !== "") {
    request.chat_template_kwargs = { enable_thinking: settings.thinking === "on" };
  }

  if (settings.tools.trim() !== "") {
    request.tools = JSON.parse(settings.tools);
  }

  return request;
}

/** Wires the dialog. */
export function setUpSettings() {
  const dialog = document.getElementById("settings");
  const form = dialog.querySelector("form");
  const fault = document.getElementById("tools-error");
  const names = Object.keys(defaults);
  const fill = settings => names.forEach(name => { form.elements[name].value = settings[name]; });
  const showFault = message => {
    fault.textContent = message ?? "";
    fault.hidden = message === null;
    form.elements.tools.setAttribute("aria-invalid", String(message !== null));
  };

  document.getElementById("open-settings").addEventListener("click", () => {
    fill(loadSettings());
    showFault(null);
    dialog.showModal();
    form.elements.system.focus();
  });
  document.getElementById("reset-settings").addEventListener("click", () => {
    fill(defaults);
    showFault(null);
  });
  form.addEventListener("submit", event => {
    if (event.submitter?.value !== "save") {
      return;
    }

    const message = checkTools(form.elements.tools.value);
    showFault(message);
    if (message !== null) {
      event.preventDefault();
      form.elements.tools.focus();
      return;
    }

    localStorage.setItem(storageName, JSON.stringify(Object.fromEntries(names.map(name => [name, form.elements[name].value]))));
  });
}

// What the page can tell at once; the rest is for the server to refuse.
function checkTools(text) {
  if (text.trim() === "") {
    return null;
  }

  try {
    const tools = JSON.parse(text);
    const isList = Array.isArray(tools) && tools.every(tool => typeof tool?.function?.name === "string");
    return isList ? null : 'This must be an array of {"type": "function", "function": {"name": …}}.';
  } catch (fault) {
    return `This is no JSON: ${fault.message}`;
  }
}
