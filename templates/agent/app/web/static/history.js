/** The runs that this key may see, newest first. */

import { dollars, when } from "./figures.js";
import { byId, copyOf, fill, part } from "./parts.js";
import { STATES } from "./run.js";
import { ServiceError, call, messageOf } from "./service.js";

const PAGE = 20;
/** How the page calls those who began a run without a key of their own. @type {Record<string, string>} */
const OWNERS = { page: "", cli: " · command line", mcp: " · MCP" };

/**
 * @typedef {{id: string, goal: string, owner: string, state: keyof typeof STATES, cost_usd: number,
 *   created_at: string}} ListedRun
 */

let current = "";
/** @type {ListedRun[]} */
let listed = [];

/** @param {(id: string) => void} open */
export function listenToHistory(open) {
  byId("runs").addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest(".listed-run");
    if (button instanceof HTMLElement) open(String(button.dataset.run));
  });
  byId("older-runs").addEventListener("click", () => void showOlder());
}

/**
 * Show the newest runs, above the older ones that were asked for.
 * @param {string} id the run in view; empty for none
 */
export async function showHistory(id) {
  current = id;
  const newest = await load("");
  if (!newest) return;
  const older = listed.filter((run) => newest.length === PAGE && newest.every(({ id }) => id !== run.id));
  if (older.length === 0) byId("older-runs").hidden = newest.length < PAGE;
  list([...newest, ...older]);
}

async function showOlder() {
  const older = await load(`&before=${listed.at(-1)?.id}`);
  if (!older) return;
  byId("older-runs").hidden = older.length < PAGE;
  list([...listed, ...older]);
}

/**
 * A page of runs; null where there is none to be had, and the reader is told why.
 * @param {string} where
 * @returns {Promise<ListedRun[] | null>}
 */
async function load(where) {
  try {
    return (await (await call(`/v1/runs?limit=${PAGE}${where}`)).json()).runs;
  } catch (error) {
    if (error instanceof ServiceError && error.status === 401) return null;
    byId("runs-note").hidden = false;
    byId("runs-note").textContent = messageOf(error);
    return null;
  }
}

/** @param {ListedRun[]} runs */
function list(runs) {
  listed = runs;
  byId("runs").replaceChildren(...runs.map((run) => row(run, run.id === current)));
  byId("runs").hidden = runs.length === 0;
  byId("runs-note").hidden = runs.length > 0;
}

/**
 * @param {ListedRun} run
 * @param {boolean} inView
 */
function row(run, inView) {
  const made = copyOf("listed-run-template");
  const by = OWNERS[run.owner] ?? ` · key ${run.owner}`;
  const detail = `${when(run.created_at)} · ${dollars(run.cost_usd)}${by}`;
  fill(made, { goal: run.goal, state: STATES[run.state], detail });
  part(made, "state").dataset.state = run.state;
  part(made, "open").dataset.run = run.id;
  if (inView) part(made, "open").setAttribute("aria-current", "true");
  return made;
}
