// The server's API as far as the page uses it.

const keyName = "cpumoe.key";

/** An answer that is an error, or none at all; its message is for people. */
export class ApiError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }

  get needsKey() {
    return this.status === 401;
  }
}

/** Keeps the key: for the tab, or in the browser. */
export function setKey(key, isRemembered) {
  localStorage.removeItem(keyName);
  sessionStorage.removeItem(keyName);
  (isRemembered ? localStorage : sessionStorage).setItem(keyName, key);
}

/** Whether a key has been given. */
export function hasKey() {
  return readKey() !== null;
}

/** The model: its name and the tokens of its context. */
export async function getModel() {
  const response = await send("v1/models");
  const { data } = await response.json();
  return { name: data[0].id, contextLength: data[0].max_model_len ?? null };
}

/** The chunks of a streamed answer. Stops the work of the server when the signal is aborted. */
export async function* streamCompletion(request, signal) {
  const response = await send("v1/chat/completions", {
    method: "POST",
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  for await (const data of readEvents(response.body)) {
    if (data === "[DONE]") {
      return;
    }

    const chunk = JSON.parse(data);
    if (chunk.error) {
      throw new ApiError(chunk.error.message ?? "The server failed in the middle of the answer.");
    }

    yield chunk;
  }

  throw new ApiError("The connection ended before the answer did.");
}

async function send(path, options = {}) {
  const headers = { "Content-Type": "application/json" };
  const key = readKey();
  if (key !== null) {
    headers.Authorization = `Bearer ${key}`;
  }

  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-store" });
  } catch (fault) {
    throw fault.name === "AbortError" ? fault : new ApiError("The server cannot be reached. Is it still running?");
  }

  if (!response.ok) {
    throw new ApiError(await describe(response), response.status);
  }

  return response;
}

async function describe(response) {
  let message;
  try {
    message = (await response.json()).error.message;
  } catch {
    // Not the server's own answer, but that of something in front of it.
    message = `The server answered with status ${response.status}.`;
  }

  const wait = response.headers.get("Retry-After");
  return wait ? `${message} (Wait ${wait} s.)` : message;
}

/** The data of server-sent events. */
async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  let data = [];
  try {
    for (;;) {
      const { done, value } = await readMore(reader);
      if (done) {
        return;
      }

      const lines = (buffer + value).split("\n");
      buffer = lines.pop();
      for (const line of lines.map(text => text.replace(/\r$/, ""))) {
        if (line.startsWith("data:")) {
          data.push(line.slice(5).replace(/^ /, ""));
        } else if (line === "" && data.length > 0) {
          yield data.join("\n");
          data = [];
        }
      }
    }
  } finally {
    // A consumer that leaves early wants no more of it.
    reader.cancel().catch(() => {});
  }
}

async function readMore(reader) {
  try {
    return await reader.read();
  } catch (fault) {
    throw fault.name === "AbortError" ? fault : new ApiError("The connection was lost before the answer ended.");
  }
}

function readKey() {
  return sessionStorage.getItem(keyName) ?? localStorage.getItem(keyName);
}
