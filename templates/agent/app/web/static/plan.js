/** The plan of a run as a line of steps, each with what was thought, called and found. */

import { dollars, seconds } from "./figures.js";
import { prose } from "./markdown.js";
import { copyOf, element, fill, part } from "./parts.js";

/**
 * @typedef {object} PlanStep
 * @property {number} number
 * @property {string} title
 * @property {string} specialist
 * @property {number[]} after
 * @property {"todo" | "doing" | "done" | "failed" | "dropped"} state
 * @property {string} note
 */

/**
 * @typedef {object} Step
 * @property {number} number
 * @property {string} agent
 * @property {"plan" | "tool" | "note"} kind
 * @property {string} thought
 * @property {string} tool
 * @property {Record<string, unknown>} arguments
 * @property {string} result
 * @property {boolean} ok
 * @property {string[]} artefacts
 * @property {number} seconds
 * @property {number} cost_usd
 * @property {number} plan_step
 */

const SPOKEN = {
  todo: "not begun",
  doing: "in work",
  done: "done",
  failed: "failed",
  dropped: "replaced by a new plan",
};
const LONGEST_BRIEF = 90;

/** The list of a run's plan steps; what a reader has opened stays open while it grows. */
export class PlanView {
  /** @type {Map<number, HTMLElement>} */
  #parts = new Map();
  #shown = new Set();

  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
  }

  /**
   * @param {PlanStep[]} plan
   * @param {Step[]} steps
   * @param {string} state of the run
   */
  show(plan, steps, state) {
    this.#showPart(planning(plan, state), state);
    for (const step of plan) this.#showPart(step, state);
    for (const step of steps) this.#showStep(step);
  }

  /**
   * @param {PlanStep} step
   * @param {string} state of the run
   */
  #showPart(step, state) {
    let place = this.#parts.get(step.number);
    if (!place) {
      this.list.append(copyOf("plan-step-template"));
      place = /** @type {HTMLElement} */ (this.list.lastElementChild);
      this.#parts.set(step.number, place);
    }
    const inWork = step.state === "doing" && state === "running";
    place.dataset.state = step.state;
    place.dataset.live = String(inWork);
    fill(place, { title: step.title, specialist: step.specialist, state: `(${SPOKEN[step.state]})` });
    fill(place, { mark: step.number > 0 && ["todo", "doing"].includes(step.state) ? String(step.number) : "" });
    part(place, "now").hidden = !inWork;
    part(place, "now").textContent = "Working…";
    const note = part(place, "note");
    if (note.dataset.text === step.note) return;
    note.dataset.text = step.note;
    note.hidden = step.note === "";
    note.replaceChildren(...prose(step.note));
  }

  /** @param {Step} step */
  #showStep(step) {
    if (this.#shown.has(step.number)) return;
    this.#shown.add(step.number);
    const place = this.#parts.get(step.plan_step) ?? this.#parts.get(0);
    if (step.kind !== "note" && place) part(place, "steps").append(row(step));
  }
}

/**
 * The planning itself, as a step before all others.
 * @param {PlanStep[]} plan
 * @param {string} state of the run
 * @returns {PlanStep}
 */
function planning(plan, state) {
  const planned = plan.length > 0;
  const waiting = ["queued", "running"].includes(state) ? "doing" : "failed";
  const title = planned ? "Made the plan" : "Making a plan";
  return { number: 0, title, specialist: "planner", after: [], state: planned ? "done" : waiting, note: "" };
}

/** @param {Step} step */
function row(step) {
  const made = copyOf("step-template");
  const place = /** @type {HTMLElement} */ (made.firstElementChild);
  place.dataset.ok = String(step.ok);
  const cost = step.cost_usd > 0 ? ` · ${dollars(step.cost_usd)}` : "";
  fill(place, {
    thought: step.thought,
    tool: step.tool || step.kind,
    brief: brief(step.arguments),
    cost: `${step.ok ? "" : "failed · "}${seconds(step.seconds)}${cost}`,
    outcome: step.ok ? "What came back" : "What went wrong",
    result: readable(step.result),
  });
  part(place, "thought").hidden = step.thought === "";
  if (step.kind === "tool") part(place, "arguments").replaceChildren(...describe(step.arguments));
  return made;
}

/**
 * A tool's result as a person reads it: foreign text without the marks that are meant for the model.
 * @param {string} result
 */
function readable(result) {
  const foreign = result.match(/^<untrusted>([^]*)<\/untrusted>$/);
  if (!foreign) return result;
  return foreign[1].replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/**
 * The arguments of a call in one short line.
 * @param {Record<string, unknown>} values
 */
function brief(values) {
  const line = Object.values(values).map(shortly).filter(Boolean).join(" · ").replace(/\s+/g, " ");
  return line.length > LONGEST_BRIEF ? `${line.slice(0, LONGEST_BRIEF)}…` : line;
}

/**
 * A value; of a list of records the first field of each.
 * @param {unknown} value
 */
function shortly(value) {
  if (!Array.isArray(value)) return plain(value);
  return value.map((each) => plain(typeof each === "object" && each ? Object.values(each)[0] : each)).join(", ");
}

/**
 * The arguments of a call as terms and values; an empty one says nothing.
 * @param {Record<string, unknown>} values
 * @returns {HTMLElement[]}
 */
export function describe(values) {
  const said = Object.entries(values).filter(([, value]) => value !== "" && !(Array.isArray(value) && !value.length));
  return said.flatMap(([name, value]) => [element("dt", name.replaceAll("_", " ")), element("dd", plain(value))]);
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function plain(value) {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((each) => typeof each !== "object")) return value.join(", ");
  return JSON.stringify(value, null, 2);
}
