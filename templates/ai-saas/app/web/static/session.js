/** Calls the service in the name of who is logged in: the cookie goes by itself, the page carries the proof. */

import { ServiceError } from "./service.js";

const UNREACHABLE = "The service cannot be reached. Check the connection and try again.";
const LOGGED_OUT = "Your session has ended. Log in again; what you typed stays in its field.";

/** The address of a call for the organisation of this page. */
export function callOf(/** @type {string} */ path) {
  return `/v1/organisations/${document.body.dataset.organisation}${path}`;
}

/** What proves that this page makes a call. */
export function proof() {
  return { "X-CSRF-Token": document.body.dataset.csrf ?? "" };
}

/**
 * Send a value as JSON.
 * @param {string} path below the organisation
 * @param {unknown} value
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>}
 * @throws {ServiceError} for every answer that is no success
 */
export async function post(path, value, signal) {
  const headers = { ...proof(), "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(callOf(path), { method: "POST", headers, body: JSON.stringify(value), signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ServiceError(UNREACHABLE, 0);
  }
  if (!response.ok) throw await failureOf(response);
  return response;
}

/**
 * Send a form whose upload can be watched, which `fetch` does not offer.
 * @param {string} path below the organisation
 * @param {FormData} form
 * @param {(share: number) => void} onProgress told the share that was sent, 0 to 1
 * @throws {ServiceError} for every answer that is no success
 */
export async function send(path, form, onProgress) {
  const request = new XMLHttpRequest();
  request.open("POST", callOf(path));
  for (const [name, value] of Object.entries(proof())) request.setRequestHeader(name, value);
  request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0));
  const ended = new Promise((resolve) => request.addEventListener("loadend", resolve));
  request.send(form);
  await ended;
  if (request.status === 0) throw new ServiceError(UNREACHABLE, 0);
  if (request.status >= 400) throw await failureOf(new Response(request.responseText, { status: request.status }));
}

/** @param {Response} response a problem document (RFC 9457), or anything else */
async function failureOf(response) {
  if (response.status === 401) return new ServiceError(LOGGED_OUT, 401);
  const problem = await response.json().catch(() => ({}));
  return new ServiceError(problem.detail || `The service answered ${response.status}.`, response.status);
}
