// The way to the API: the token, which is kept in this tab only, and requests with a time limit.
//
// Relative paths, so that the page may lie behind a proxy's prefix. What is refused is thrown as the server tells it.

const KEY = "hookaroon-token";

/** How long is waited for an answer; a change may take a minute to compile, so it may take longer. */
const LOOK_MS = 10_000;
const CHANGE_MS = 160_000;

/** What the server did not do, and why. */
export class Refused extends Error {
  constructor(status, { code, message, remedy }) {
    super(remedy ? `${message}: ${remedy}` : message);
    this.status = status;
    this.code = code;
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (text) => sessionStorage.setItem(KEY, text),
  forget: () => sessionStorage.removeItem(KEY),
};

/** What the server answers, as it comes; for who reads it bit by bit. */
export async function open(method, path, { body, signal } = {}) {
  const headers = { Authorization: `Bearer ${token.get()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(`api/v1/${path}`, { method, headers, body: sent, signal, credentials: "omit", redirect: "error" });
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, told.error ?? { code: "unknown", message: `the answer was ${answer.status}` });
}

export async function look(path) {
  const answer = await open("GET", path, { signal: AbortSignal.timeout(LOOK_MS) });
  return answer.json();
}

export async function change(method, path, body) {
  const answer = await open(method, path, { body, signal: AbortSignal.timeout(CHANGE_MS) });
  return answer.json();
}
