/** Calls the service with the reader's key, which lives in this tab's session storage and nowhere else. */

const STORED_KEY = "key";
const UNREACHABLE = "The service cannot be reached. Is it still running?";

/** Raised on `document` when a call needs a key; `detail` is true where the service refused the one it got. */
export const KEY_NEEDED = "key-needed";

/** An answer of the service that is no success; the message is fit to be shown. */
export class ServiceError extends Error {
  /**
   * @param {string} message
   * @param {number} status HTTP status, or 0 where the service was not reached
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Keep the key of an address that ends in `#key=…` and take it out of the address bar and the history. */
export function takeKeyFromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key === null) return false;
  history.replaceState(null, "", location.pathname + location.search);
  keepKey(key);
  return true;
}

/** @param {string} key */
export function keepKey(key) {
  sessionStorage.setItem(STORED_KEY, key.trim());
}

/** @returns {boolean} */
export function hasKey() {
  return Boolean(sessionStorage.getItem(STORED_KEY));
}

/**
 * Send a request with the key.
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>} a response with a status below 400
 * @throws {ServiceError} for every other outcome, an aborted request excepted
 */
export async function call(path, init = {}) {
  const key = sessionStorage.getItem(STORED_KEY);
  if (!key) throw keyNeeded(false);
  const headers = { ...init.headers, Authorization: `Bearer ${key}` };
  return succeeded(await reach(path, { ...init, headers }), key);
}

/**
 * @param {Response} response
 * @param {string} key with which it was asked for
 * @returns {Promise<Response>} the same
 * @throws {ServiceError} if it is no success
 */
async function succeeded(response, key) {
  if (response.ok) return response;
  if (response.status !== 401) throw new ServiceError(await problemOf(response), response.status);
  if (sessionStorage.getItem(STORED_KEY) !== key) throw new ServiceError("The key has changed; try again.", 401);
  sessionStorage.removeItem(STORED_KEY);
  throw keyNeeded(true);
}

/**
 * Send a value as JSON.
 * @param {string} path
 * @param {unknown} value
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>}
 */
export function post(path, value, signal) {
  const headers = { "Content-Type": "application/json" };
  return call(path, { method: "POST", headers, body: JSON.stringify(value), signal });
}

/**
 * Send a form whose upload can be watched, which `fetch` does not offer.
 * @param {string} path
 * @param {FormData} form
 * @param {(share: number) => void} onProgress told the share that was sent, 0 to 1
 * @returns {Promise<any>} the JSON of the answer
 * @throws {ServiceError} for every answer that is no success
 */
export async function send(path, form, onProgress) {
  const key = sessionStorage.getItem(STORED_KEY);
  if (!key) throw keyNeeded(false);
  const request = new XMLHttpRequest();
  request.open("POST", path);
  request.setRequestHeader("Authorization", `Bearer ${key}`);
  request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0));
  const ended = new Promise((resolve) => request.addEventListener("loadend", resolve));
  request.send(form);
  await ended;
  if (request.status === 0) throw new ServiceError(UNREACHABLE, 0);
  const response = new Response(request.responseText, { status: request.status, statusText: request.statusText });
  return (await succeeded(response, key)).json();
}

/**
 * What to tell the reader about a caught value.
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function reach(path, init) {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ServiceError(UNREACHABLE, 0);
  }
}

/**
 * The detail of a problem document (RFC 9457), or the status where there is none.
 * @param {Response} response
 * @returns {Promise<string>}
 */
async function problemOf(response) {
  const fallback = `The service answered ${response.status} ${response.statusText}`.trim();
  try {
    return (await response.json()).detail || fallback;
  } catch {
    return fallback;
  }
}

/** @param {boolean} refused */
function keyNeeded(refused) {
  document.dispatchEvent(new CustomEvent(KEY_NEEDED, { detail: refused }));
  return new ServiceError("This needs a key; give one above.", 401);
}
