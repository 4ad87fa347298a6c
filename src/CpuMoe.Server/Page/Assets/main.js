// The page: a conversation, one answer at a time.
import { AnswerView } from "./answer-view.js";
import { ApiError, getModel, hasKey, setKey, streamCompletion } from "./completions.js";
import { addChunk, endAnswer, isOpen, loadConversation, newAnswer, saveConversation, toMessages } from "./conversation.js";
import { element, growWithText } from "./dom.js";
import { questionView } from "./question-view.js";
import { loadSettings, setUpSettings, toRequest } from "./settings.js";

const byId = id => document.getElementById(id);
const question = byId("question");
const scroller = byId("scroller");
const messages = byId("messages");
const announcer = byId("announcer");
const hasNoKeyboard = matchMedia("(hover: none) and (pointer: coarse)");

let entries = loadConversation();
let model = null;
let abort = null; // Of the answer that is being made.
let isFollowing = true;
const views = []; // Of the entries, in their order.

/** Shows the conversation; what is shown already stays. */
function show() {
  const same = views.findIndex((view, i) => view.entry !== entries[i]);
  for (const { node } of same === -1 ? [] : views.splice(same)) {
    node.remove();
  }

  for (const entry of entries.slice(views.length)) {
    const view = entry.role === "user" ? { node: questionView(entry, text => editQuestion(entry, text)) } : answerView(entry);
    views.push({ entry, node: view.node, view });
    messages.append(view.node);
  }

  views.forEach(({ node }, i) => node.classList.toggle("last", i === views.length - 1));
  byId("welcome").hidden = entries.length > 0;
  showContext();
}

function answerView(answer) {
  // What has been shown before is not read out again.
  const isNew = answer.state === "waiting";
  return new AnswerView(answer, {
    regenerate,
    sendResults,
    announce: text => isNew && announce(text),
    rendered: follow,
  });
}

function announce(text) {
  announcer.append(element("p", {}, text));
}

/** Makes the next answer. */
async function generate() {
  const settings = loadSettings();
  const request = { ...toRequest(settings), messages: toMessages(entries, settings.system) };
  if (model !== null) {
    request.model = model.name;
  }

  abort?.abort();
  const own = abort = new AbortController();
  const answer = newAnswer();
  const shown = entries;
  entries.push(answer);
  announcer.replaceChildren();
  show();
  showRunning(true);
  isFollowing = true;
  follow();
  const { view } = views.at(-1);
  const clock = setInterval(() => view.schedule(), 1000);
  let fault = null;
  try {
    for await (const chunk of streamCompletion(request, own.signal)) {
      addChunk(answer, chunk);
      view.schedule();
    }
  } catch (thrown) {
    fault = thrown;
  }

  clearInterval(clock);
  const wasStopped = own.signal.aborted;
  endAnswer(answer, wasStopped ? "stopped" : fault ? "failed" : "done", wasStopped ? null : fault && messageOf(fault));
  if (shown !== entries) {
    return;
  }

  saveConversation(entries);
  view.update();
  follow();
  showContext();
  if (abort === own) {
    abort = null;
    showRunning(false);
    announce(wasStopped ? "Stopped." : fault ? "" : answer.calls.some(isOpen) ? "The model waits for the result of a call." : "The answer is complete.");
  }

  if (!wasStopped && fault instanceof ApiError && fault.needsKey) {
    askForKey(() => regenerate());
  }
}

function messageOf(fault) {
  if (fault instanceof ApiError) {
    return fault.message;
  }

  console.error(fault);
  return "The page failed to read the answer; the browser's console tells more.";
}

function ask(text) {
  entries.push({ role: "user", text });
  generate();
}

function editQuestion(entry, text) {
  entries = entries.slice(0, entries.indexOf(entry));
  ask(text);
  focusQuestion();
}

function regenerate() {
  entries = entries.slice(0, -1);
  generate();
  focusQuestion();
}

function sendResults() {
  generate();
  focusQuestion();
}

function newChat() {
  abort?.abort();
  abort = null;
  entries = [];
  saveConversation(entries);
  show();
  showRunning(false);
  focusQuestion();
}

function stop() {
  abort?.abort();
  focusQuestion();
}

// Where there is no keyboard, the focus would bring one up on the screen.
function focusQuestion() {
  if (!hasNoKeyboard.matches) {
    question.focus();
  }
}

function showRunning(isRunning) {
  byId("send").hidden = isRunning;
  byId("stop").hidden = !isRunning;
  updateSend();
}

function updateSend() {
  byId("send").disabled = question.value.trim() === "";
}

function showContext() {
  const usage = entries.findLast(entry => entry.usage)?.usage;
  const context = byId("context");
  context.hidden = !usage || !model?.contextLength;
  if (!context.hidden) {
    const percent = Math.round(100 * usage.total_tokens / model.contextLength);
    context.textContent = `Context ${percent} %`;
    context.title = `${usage.total_tokens} of ${model.contextLength} tokens`;
  }
}

// The end stays in view unless the reader went back.
function follow() {
  if (isFollowing) {
    scroller.scrollTop = scroller.scrollHeight;
  }

  byId("latest").hidden = isFollowing;
}

async function loadModel() {
  try {
    model = await getModel();
    byId("model").textContent = model.name;
    document.title = `${model.name} · CpuMoe`;
    byId("model").title = model.contextLength ? `${model.contextLength} tokens of context` : "";
    showContext();
  } catch (fault) {
    if (fault instanceof ApiError && fault.needsKey) {
      askForKey(loadModel);
    } else {
      byId("model").textContent = messageOf(fault);
    }
  }
}

/** Asks for a key, and goes on with it. */
function askForKey(goOn) {
  const dialog = byId("key-dialog");
  if (dialog.open) {
    return;
  }

  byId("key-text").textContent = hasKey() ? "The server does not accept this key." : "This server asks for an API key.";
  byId("key").value = "";
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "save") {
      setKey(byId("key").value.trim(), byId("remember-key").checked);
      byId("key").value = "";
      goOn();
      if (model === null && goOn !== loadModel) {
        loadModel();
      }
    }
  }, { once: true });
  dialog.showModal();
}

byId("composer").addEventListener("submit", event => {
  event.preventDefault();
  const text = question.value.trim();
  if (text !== "" && abort === null) {
    question.value = "";
    growWithText(question);
    ask(text);
    focusQuestion();
  }
});
question.addEventListener("input", () => {
  growWithText(question);
  updateSend();
});
question.addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !hasNoKeyboard.matches) {
    event.preventDefault();
    byId("composer").requestSubmit();
  }
});
document.addEventListener("keydown", event => {
  if (event.key === "Escape" && abort !== null && document.querySelector("dialog[open]") === null) {
    stop();
  }
});
for (const close of document.querySelectorAll("dialog .close")) {
  close.addEventListener("click", () => close.closest("dialog").close("cancel"));
}

byId("stop").addEventListener("click", stop);
byId("new-chat").addEventListener("click", newChat);
byId("latest").addEventListener("click", () => {
  isFollowing = true;
  follow();
  focusQuestion();
});
scroller.addEventListener("scroll", () => {
  isFollowing = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
  byId("latest").hidden = isFollowing;
}, { passive: true });
addEventListener("pagehide", () => saveConversation(entries));

setUpSettings();
show();
showRunning(false);
follow();
loadModel();
focusQuestion();
