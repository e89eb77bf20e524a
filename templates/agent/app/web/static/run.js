/** One run in view: follows its events and shows its state, its plan and steps, its files and what it waits for. */

import { ApprovalView } from "./approval.js";
import { ArtefactsView } from "./artefacts.js";
import { readEvents } from "./events.js";
import { dollars, seconds } from "./figures.js";
import { prose } from "./markdown.js";
import { copyOf, element, fill, part } from "./parts.js";
import { PlanView } from "./plan.js";
import { ServiceError, call, messageOf, post } from "./service.js";

const FINAL = ["succeeded", "failed", "stopped", "cancelled"];
const LOST = "The connection to the run was lost. Trying again…";
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

/** How the page calls each state of a run. */
export const STATES = {
  queued: "Queued",
  running: "Working",
  waiting: "Waits for you",
  succeeded: "Done",
  failed: "Failed",
  stopped: "Stopped",
  cancelled: "Cancelled",
};

/**
 * @typedef {object} Run
 * @property {string} id
 * @property {string} goal
 * @property {string} pattern
 * @property {keyof typeof STATES} state
 * @property {string} reason
 * @property {string} answer
 * @property {import("./plan.js").PlanStep[]} plan
 * @property {import("./plan.js").Step[]} steps
 * @property {import("./artefacts.js").Artefact[]} artefacts
 * @property {import("./approval.js").Approval | null} approval
 * @property {string} model
 * @property {string} prompt_version
 * @property {string} trace_id
 * @property {number} input_tokens
 * @property {number} output_tokens
 * @property {number} cost_usd
 * @property {string} owner
 * @property {number} worked_seconds
 * @property {string} created_at
 * @property {string} updated_at
 */

/** The place where one run is shown. */
export class RunView {
  #closed = new AbortController();
  #title = document.title;
  /** @type {Run | undefined} */
  #run;
  #ticking = 0;
  #focusing = false;

  /**
   * @param {string} id
   * @param {() => void} onChange called when the run's state has changed
   */
  constructor(id, onChange) {
    this.id = id;
    this.onChange = onChange;
    this.place = /** @type {HTMLElement} */ (copyOf("run-template").firstElementChild);
    this.plan = new PlanView(part(this.place, "plan"));
    this.approval = new ApprovalView(part(this.place, "approval"), id);
    this.artefacts = new ArtefactsView(part(this.place, "artefacts"));
    this.place.classList.add("unknown");
    part(this.place, "cancel").addEventListener("click", () => void this.#ask("cancel"));
    part(this.place, "resume").addEventListener("click", () => void this.#ask("resume").then(() => this.follow()));
  }

  /** Put the focus on the run's goal as soon as it is there. */
  focus() {
    this.#focusing = true;
  }

  /** Stop following. */
  close() {
    this.#closed.abort();
    clearInterval(this.#ticking);
    this.artefacts.close();
    document.title = this.#title;
  }

  /** Show the run until it has ended; a lost connection is tried again, more slowly each time. */
  async follow() {
    let wait = FIRST_WAIT_MS;
    while (!this.#closed.signal.aborted) {
      try {
        if (await this.#listen()) return;
        wait = FIRST_WAIT_MS;
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        if (isRefusal(error)) return this.#tell(messageOf(error));
      }
      this.#tell(LOST);
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }

  /** @returns {Promise<boolean>} whether the run has ended; false where only the connection has */
  async #listen() {
    const response = await call(`/v1/runs/${this.id}/events`, { signal: this.#closed.signal });
    for await (const { name, data } of readEvents(/** @type {ReadableStream<Uint8Array>} */ (response.body))) {
      if (name === "run") this.#show(JSON.parse(data));
      if (name === "end") return true;
    }
    return FINAL.includes(this.#run?.state ?? "");
  }

  /** @param {Run} run */
  #show(run) {
    const before = this.#run?.state;
    this.#run = run;
    this.place.classList.remove("unknown");
    this.#tell("");
    this.#showState(run);
    this.#showResult(run);
    this.plan.show(run.plan, run.steps, run.state);
    this.approval.show(run.state === "waiting" ? run.approval : null);
    void this.artefacts.show(run.artefacts);
    if (before !== run.state) this.onChange();
    if (this.#focusing) this.#focusNow();
  }

  #focusNow() {
    this.#focusing = false;
    this.place.scrollIntoView({ block: "nearest" });
    part(this.place, "goal").focus({ preventScroll: true });
  }

  /** @param {Run} run */
  #showState(run) {
    const ended = FINAL.includes(run.state);
    fill(this.place, { goal: run.goal, state: STATES[run.state] });
    part(this.place, "state").dataset.state = run.state;
    part(this.place, "offline").hidden = !run.model.startsWith("offline");
    part(this.place, "cancel").hidden = ended;
    part(this.place, "resume").hidden = !["failed", "stopped"].includes(run.state);
    document.title = `${STATES[run.state]}: ${run.goal.slice(0, 60)}`;
    clearInterval(this.#ticking);
    if (!ended) this.#ticking = setInterval(() => this.#showFigures(run, new Date()), 1000);
    this.#showFigures(run, ended ? new Date(run.updated_at) : new Date());
  }

  /**
   * @param {Run} run
   * @param {Date} until
   */
  #showFigures(run, until) {
    const since = (/** @type {string} */ when) => Math.max(0, (until.getTime() - new Date(when).getTime()) / 1000);
    const worked = run.worked_seconds + (run.state === "running" ? since(run.updated_at) : 0);
    const waited = Math.max(0, since(run.created_at) - worked);
    const done = run.plan.filter((step) => step.state === "done").length;
    const all = run.plan.filter((step) => step.state !== "dropped").length;
    const figures = {
      Plan: all > 0 ? `${done} of ${all} steps` : FINAL.includes(run.state) ? "none" : "none yet",
      Actions: String(run.steps.length),
      "At work": seconds(worked),
      Waited: seconds(waited),
      Tokens: (run.input_tokens + run.output_tokens).toLocaleString("en"),
      Cost: dollars(run.cost_usd),
    };
    part(this.place, "figures").replaceChildren(...pairs(figures));
  }

  /** @param {Run} run */
  #showResult(run) {
    const { answer, reason } = run;
    part(this.place, "answer-section").hidden = answer === "";
    part(this.place, "answer").replaceChildren(...prose(answer));
    part(this.place, "reason").hidden = reason === "";
    part(this.place, "reason").textContent = reason;
    part(this.place, "reason").dataset.state = run.state;
    const { id, owner, pattern, model, prompt_version, trace_id } = run;
    const tokens = `${run.input_tokens} in, ${run.output_tokens} out`;
    const made = { Run: id, Owner: owner, Pattern: pattern, Model: model, Prompt: prompt_version, Tokens: tokens, Trace: trace_id };
    const known = Object.entries(made).filter(([, value]) => value);
    part(this.place, "measures").replaceChildren(...pairs(Object.fromEntries(known)));
  }

  /** @param {"cancel" | "resume"} wish */
  async #ask(wish) {
    const button = part(this.place, wish);
    button.disabled = true;
    try {
      await post(`/v1/runs/${this.id}/${wish}`, {});
    } catch (error) {
      this.#tell(messageOf(error));
    }
    button.disabled = false;
  }

  /** @param {string} message empty for none */
  #tell(message) {
    part(this.place, "problem").hidden = message === "";
    part(this.place, "problem").textContent = message;
  }
}

/**
 * Whether trying again would not help.
 * @param {unknown} error
 */
function isRefusal(error) {
  return error instanceof ServiceError && error.status >= 400 && error.status < 500 && error.status !== 429;
}

/**
 * Terms with their values, each pair in an element of its own.
 * @param {Record<string, string>} values
 */
function pairs(values) {
  return Object.entries(values).map(([name, value]) => {
    const pair = document.createElement("div");
    pair.append(element("dt", name), element("dd", value));
    return pair;
  });
}
