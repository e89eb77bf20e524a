/** The page: wires the key, the goal, the run in view, the history and the memory. */

import { listenToPicture } from "./artefacts.js";
import { listenToHistory, showHistory } from "./history.js";
import { openWithKey } from "./key.js";
import { listenToMemory, showMemories } from "./memory.js";
import { byId, onSubmit } from "./parts.js";
import { RunView } from "./run.js";
import { ServiceError, hasKey, messageOf, post } from "./service.js";

/** @type {RunView | undefined} */
let view;

/** The run that the address names; empty for none. */
function named() {
  return new URLSearchParams(location.search).get("run") ?? "";
}

/**
 * Bring a run into view, or none, and let the address say so.
 * @param {string} id
 */
function open(id) {
  if (id !== named()) history.pushState(null, "", id ? `?run=${encodeURIComponent(id)}` : location.pathname);
  show();
}

/** Show what the address names. */
function show() {
  const id = named();
  view?.close();
  view = id ? new RunView(id, refresh) : undefined;
  byId("welcome").hidden = Boolean(id);
  byId("run").replaceChildren(...(view ? [view.place] : []));
  if (view) void view.follow();
  else document.title = title;
  void showHistory(id);
}

const title = document.title;

/** What changes when a run has gone on: its line in the history, and what it may have remembered. */
function refresh() {
  void showHistory(named());
  void showMemories();
}

async function start() {
  const goal = byId("goal").value.trim();
  if (!goal) return;
  const pattern = byId("pattern").value;
  byId("goal-problem").hidden = true;
  try {
    const response = await post("/v1/runs", pattern ? { goal, pattern } : { goal });
    byId("goal").value = "";
    open((await response.json()).id);
    view?.focus();
  } catch (error) {
    if (error instanceof ServiceError && error.status === 401) return;
    byId("goal-problem").hidden = false;
    byId("goal-problem").textContent = messageOf(error);
  }
}

/** @param {KeyboardEvent} event */
function startOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("goal-form").requestSubmit();
}

/** @param {MouseEvent} event */
function tryExample(event) {
  const example = /** @type {HTMLElement} */ (event.target).closest(".example");
  if (!example) return;
  byId("goal").value = example.textContent;
  byId("goal-form").requestSubmit();
}

function begin() {
  byId("goal").focus({ preventScroll: true });
  show();
  void showMemories();
}

function listen() {
  onSubmit(byId("goal-form"), () => void start());
  byId("goal").addEventListener("keydown", startOnEnter);
  byId("welcome").addEventListener("click", tryExample);
  byId("new-run").addEventListener("click", () => {
    open("");
    byId("goal").focus();
  });
  addEventListener("popstate", () => hasKey() && show());
  addEventListener("focus", () => hasKey() && void showHistory(named()));
  listenToHistory(open);
  listenToMemory();
  listenToPicture();
}

listen();
openWithKey(begin);
