// The server: /api/v1, asked with JSON. Nothing else is ever asked.

const client = crypto.getRandomValues(new Uint32Array(4)).join("-");

// The token comes once, behind the # of the address that the server printed, and stays with this tab.
export function takeToken(fragment) {
  const token = fragment.get("token");
  if (token) {
    sessionStorage.setItem("token", token);
    fragment.delete("token");
  }
}

let turn = 0;

// A newer request of the same lane of this page ends the older one, also where that arrives later.
function headers(lane) {
  const all = { "Content-Type": "application/json" };
  const token = sessionStorage.getItem("token");
  if (token) {
    all.Authorization = "Bearer " + token;
  }
  if (lane) {
    all["Pixelrnn-Key"] = client + "-" + lane;
    all["Pixelrnn-Turn"] = ++turn;
  }
  return all;
}

async function send(path, options) {
  let answer;
  try {
    answer = await fetch("api/v1/" + path, options);
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    throw new Error("The server does not answer. Is pixelrnn serve still running?");
  }
  if (!answer.ok) {
    const why = await answer.json().catch(() => ({}));
    const error = new Error(why.error || answer.statusText);
    error.status = answer.status;
    throw error;
  }
  return answer;
}

export async function get(path) {
  return (await send(path, { headers: headers() })).json();
}

export async function getText(path) {
  return (await send(path, { headers: headers() })).text();
}

export async function post(path, body, { lane, signal } = {}) {
  return (await send(path, { method: "POST", headers: headers(lane), body: JSON.stringify(body), signal })).json();
}

// Calls `onLine` with each line of the answer as it comes.
export async function stream(path, body, onLine, { lane, signal } = {}) {
  const answer = await send(path, { method: "POST", headers: headers(lane), body: JSON.stringify(body), signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      if (message.error) {
        throw new Error(message.error);
      }
      onLine(message);
    }
  }
}

// Whether an error only says that something newer took the place.
export function isSuperseded(error) {
  return error.name === "AbortError" || error.status === 409 || /took its place/.test(error.message);
}

export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) {
    text += String.fromCharCode(byte);
  }
  return btoa(text);
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
