/** The runs of this key, newest first. */

import { dollars, when } from "./figures.js";
import { byId, copyOf, fill, part } from "./parts.js";
import { STATES } from "./run.js";
import { ServiceError, call, messageOf } from "./service.js";

const PAGE = 20;

/** @typedef {{id: string, goal: string, state: keyof typeof STATES, cost_usd: number, created_at: string}} ListedRun */

let shown = PAGE;
let current = "";

/** @param {(id: string) => void} open */
export function listenToHistory(open) {
  byId("runs").addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest(".listed-run");
    if (button instanceof HTMLElement) open(String(button.dataset.run));
  });
  byId("older-runs").addEventListener("click", () => {
    shown += PAGE;
    void showHistory(current);
  });
}

/** @param {string} id the run in view; empty for none */
export async function showHistory(id) {
  current = id;
  try {
    /** @type {{runs: ListedRun[]}} */
    const { runs } = await (await call(`/v1/runs?limit=${shown + 1}`)).json();
    byId("runs").replaceChildren(...runs.slice(0, shown).map((run) => row(run, run.id === current)));
    byId("runs").hidden = runs.length === 0;
    byId("runs-note").hidden = runs.length > 0;
    byId("older-runs").hidden = runs.length <= shown;
  } catch (error) {
    if (error instanceof ServiceError && error.status === 401) return;
    byId("runs-note").hidden = false;
    byId("runs-note").textContent = messageOf(error);
  }
}

/**
 * @param {ListedRun} run
 * @param {boolean} inView
 */
function row(run, inView) {
  const made = copyOf("listed-run-template");
  const detail = `${when(run.created_at)} · ${dollars(run.cost_usd)}`;
  fill(made, { goal: run.goal, state: STATES[run.state], detail });
  part(made, "state").dataset.state = run.state;
  part(made, "open").dataset.run = run.id;
  if (inView) part(made, "open").setAttribute("aria-current", "true");
  return made;
}
