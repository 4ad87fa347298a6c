// What was said, and how it is sent.

const storageName = "cpumoe.conversation";

/** An answer before its first word. */
export function newAnswer() {
  return { role: "assistant", state: "waiting", content: "", reasoning: "", calls: [], started: Date.now(), thoughtSeconds: null, seconds: null, finish: null, usage: null, timings: null, fault: null };
}

/** Adds a chunk of the stream to an answer. */
export function addChunk(answer, chunk) {
  answer.usage = chunk.usage ?? answer.usage;
  answer.timings = chunk.timings ?? answer.timings;
  const choice = chunk.choices[0];
  if (!choice) {
    return;
  }

  const { reasoning_content: reasoning, content, tool_calls: calls } = choice.delta;
  if (reasoning) {
    answer.reasoning += reasoning;
    answer.state = "thinking";
  }

  if (content || calls) {
    if (answer.state === "thinking") {
      answer.thoughtSeconds = secondsSince(answer.started);
    }

    answer.state = "writing";
    answer.content += content ?? "";
  }

  for (const part of calls ?? []) {
    const call = answer.calls[part.index] ??= { id: part.id, name: part.function.name, arguments: "", result: null };
    call.arguments += part.function.arguments ?? "";
  }

  answer.finish = choice.finish_reason ?? answer.finish;
}

/** Ends an answer. */
export function endAnswer(answer, state, fault = null) {
  answer.seconds = secondsSince(answer.started);
  answer.thoughtSeconds ??= answer.reasoning === "" ? null : answer.seconds;
  answer.state = state;
  answer.fault = fault;

  // The text of calls that turned out to be none has come as content.
  answer.calls = answer.calls.filter(call => call && (argumentsOf(call) !== null || state !== "done"));
}

/** The arguments of a call; null where they are not a whole JSON object. */
export function argumentsOf(call) {
  try {
    const value = JSON.parse(call.arguments);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** Whether a call waits for its result. */
export function isOpen(call) {
  return call.result === null && argumentsOf(call) !== null;
}

/** The messages of a request. */
export function toMessages(entries, system) {
  const messages = system.trim() === "" ? [] : [{ role: "system", content: system }];
  for (const entry of entries) {
    messages.push(...(entry.role === "user" ? [{ role: "user", content: entry.text }] : answerMessages(entry)));
  }

  return messages;
}

function answerMessages(answer) {
  const calls = answer.calls.filter(call => argumentsOf(call) !== null);
  if (answer.content === "" && calls.length === 0) {
    return [];
  }

  const message = { role: "assistant", content: answer.content };
  if (answer.reasoning !== "") {
    message.reasoning_content = answer.reasoning;
  }

  if (calls.length > 0) {
    message.tool_calls = calls.map(({ id, name, arguments: text }) => ({ id, type: "function", function: { name, arguments: text } }));
  }

  const results = calls.filter(call => call.result !== null).map(call => ({ role: "tool", tool_call_id: call.id, content: call.result }));
  return [message, ...results];
}

/** The conversation of this tab before it was loaded again. */
export function loadConversation() {
  let entries;
  try {
    entries = JSON.parse(sessionStorage.getItem(storageName)) ?? [];
  } catch {
    return [];
  }

  for (const entry of entries.filter(({ role, state }) => role === "assistant" && !["done", "stopped", "failed"].includes(state))) {
    entry.state = "stopped";
  }

  return entries;
}

/** Keeps the conversation until the tab is closed, as far as there is room. */
export function saveConversation(entries) {
  try {
    sessionStorage.setItem(storageName, JSON.stringify(entries));
  } catch {
    sessionStorage.removeItem(storageName);
  }
}

function secondsSince(time) {
  return (Date.now() - time) / 1000;
}
