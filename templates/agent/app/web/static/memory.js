/** What the agent keeps of its user: read, searched, corrected and forgotten here. */

import { when } from "./figures.js";
import { byId, copyOf, fill, onSubmit, part } from "./parts.js";
import { ServiceError, call, messageOf, post } from "./service.js";

const SEARCH_AFTER_MS = 250;

/**
 * @typedef {object} Memory
 * @property {string} id
 * @property {string} text
 * @property {string} kind
 * @property {{run: string, when: string}} source
 * @property {string} updated_at
 */

export function listenToMemory() {
  let waiting = 0;
  onSubmit(byId("memory-search"), () => void showMemories());
  byId("memory-query").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => void showMemories(), SEARCH_AFTER_MS);
  });
  onSubmit(byId("memory-form"), () => void remember());
}

/** Show the memories that the search asks for, or the newest. */
export async function showMemories() {
  const query = byId("memory-query").value.trim();
  await attempt(async () => {
    const address = query ? `/v1/memories?query=${encodeURIComponent(query)}` : "/v1/memories";
    /** @type {{memories: Memory[]}} */
    const { memories } = await (await call(address)).json();
    if (query !== byId("memory-query").value.trim()) return;
    byId("memories").replaceChildren(...memories.map(row));
    byId("memories").hidden = memories.length === 0;
    const nothing = query ? "nothing found" : "empty";
    byId("memory-summary").textContent = memories.length > 0 ? String(memories.length) : nothing;
  });
}

async function remember() {
  await attempt(async () => {
    await post("/v1/memories", { text: byId("memory-text").value.trim(), kind: byId("memory-kind").value });
    byId("memory-form").reset();
    await showMemories();
  });
}

/** @param {Memory} memory */
function row(memory) {
  const made = copyOf("memory-template");
  const place = /** @type {HTMLElement} */ (made.firstElementChild);
  const source = memory.source.run ? "from a run" : "from you";
  fill(made, { text: memory.text, kind: memory.kind, source: `${source} · ${when(memory.updated_at)}` });
  part(made, "edit").setAttribute("aria-label", `Edit: ${memory.text}`);
  part(made, "forget").setAttribute("aria-label", `Forget: ${memory.text}`);
  part(made, "edit").addEventListener("click", () => edit(place, memory, true));
  part(made, "leave").addEventListener("click", () => edit(place, memory, false));
  part(made, "forget").addEventListener("click", () => askBeforeForgetting(memory));
  onSubmit(part(made, "editor"), () => void save(memory, part(place, "field").value.trim()));
  return made;
}

/**
 * @param {HTMLElement} place
 * @param {Memory} memory
 * @param {boolean} editing
 */
function edit(place, memory, editing) {
  for (const name of ["text", "acts"]) part(place, name).hidden = editing;
  part(place, "editor").hidden = !editing;
  part(place, "field").value = memory.text;
  part(place, editing ? "field" : "edit").focus();
}

/**
 * @param {Memory} memory
 * @param {string} text
 */
async function save(memory, text) {
  await attempt(async () => {
    const headers = { "Content-Type": "application/json" };
    await call(`/v1/memories/${memory.id}`, { method: "PATCH", headers, body: JSON.stringify({ text }) });
    await showMemories();
    byId("memories").focus();
  });
}

/** @param {Memory} memory */
function askBeforeForgetting(memory) {
  const dialog = byId("forgetting");
  byId("forgetting-text").textContent = memory.text;
  dialog.returnValue = "";
  dialog.onclose = async () => {
    if (dialog.returnValue !== "forget") return;
    await attempt(async () => {
      await call(`/v1/memories/${memory.id}`, { method: "DELETE" });
      await showMemories();
    });
    byId("memory-query").focus();
  };
  dialog.showModal();
}

/**
 * Do something, and tell why where it fails.
 * @param {() => Promise<void>} action
 */
async function attempt(action) {
  const problem = byId("memory-problem");
  try {
    await action();
    problem.hidden = true;
  } catch (error) {
    if (error instanceof ServiceError && error.status === 401) return;
    problem.hidden = false;
    problem.textContent = messageOf(error);
  }
}
