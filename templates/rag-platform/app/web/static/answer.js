/** Shows one turn: text that grows, then citations that open their passage, measurements and a judgement. */

import { acceptJudgement } from "./judgement.js";
import { copyOf, element, fill, part } from "./parts.js";
import { canRead, read } from "./reader.js";

/**
 * @typedef {object} Citation
 * @property {number} number
 * @property {string} document
 * @property {string} locator
 * @property {string} quote
 */

/**
 * @typedef {object} Answer
 * @property {string} answer
 * @property {Citation[]} citations
 * @property {boolean} refused
 * @property {number} evidence
 * @property {{input_tokens: number, output_tokens: number, cost_usd: number}} usage
 * @property {string} model
 * @property {boolean} offline
 * @property {string} prompt_version
 * @property {{question: string, by: string} | null} rewrite
 * @property {number} latency_ms
 * @property {string} trace_id
 */

/** The place in the conversation where one question is answered. */
export class AnswerView {
  /**
   * @param {HTMLElement} turns where the turn is appended
   * @param {string} question
   * @param {string} folder where it is searched; empty for everywhere
   */
  constructor(turns, question, folder) {
    turns.append(copyOf("turn-template"));
    this.place = /** @type {HTMLElement} */ (turns.lastElementChild);
    this.text = part(this.place, "text");
    fill(this.place, { question });
    this.notes = folder ? [`Searched in ${folder}/ only.`] : [];
    this.#showNotes();
  }

  /** Say that the search runs, where the reader sees it. */
  show() {
    this.text.append(element("p", "Searching the documents…"));
    this.text.classList.add("waiting");
    this.place.scrollIntoView({ block: "start" });
  }

  /** @param {string} text a checked piece */
  append(text) {
    if (this.text.classList.contains("waiting")) this.#clearText();
    this.text.append(element("p", text));
  }

  /** @param {Answer} answer */
  finish(answer) {
    this.#clearText();
    part(this.place, "offline").hidden = !answer.offline;
    part(this.place, "refusal").hidden = !answer.refused;
    part(this.place, "after").hidden = false;
    if (answer.rewrite) this.notes.unshift(`Understood as: ${answer.rewrite.question}`);
    this.#showNotes();
    showMeasures(this.place, answer);
    acceptJudgement(this.place, answer.trace_id);
    const passages = showSources(this.place, answer.citations);
    this.text.append(...answer.answer.split("\n").map((line) => paragraph(line, passages)));
    this.text.ariaBusy = "false";
  }

  /** @param {string} answer what was answered before the page was loaded; its passages are not kept */
  remember(answer) {
    this.text.append(...answer.split("\n").map((line) => element("p", line.replace(/\s*\[\d+\]/g, ""))));
    this.text.ariaBusy = "false";
    this.notes.push("Answered before this page was loaded. Ask again to see its sources.");
    this.#showNotes();
  }

  /** @param {string} message why there is no answer; pieces that were shown go, for their sources are missing */
  fail(message) {
    this.#clearText();
    this.text.ariaBusy = "false";
    const problem = part(this.place, "problem");
    problem.hidden = false;
    problem.textContent = message;
  }

  /** Take the turn off the page. */
  remove() {
    this.place.remove();
  }

  #clearText() {
    this.text.classList.remove("waiting");
    this.text.replaceChildren();
  }

  #showNotes() {
    part(this.place, "scope").hidden = this.notes.length === 0;
    part(this.place, "scope").textContent = this.notes.join(" ");
  }
}

/**
 * A line of the answer whose `[n]` are buttons where passage n exists.
 * @param {string} line
 * @param {Map<number, HTMLDetailsElement>} passages
 */
function paragraph(line, passages) {
  const made = document.createElement("p");
  for (const piece of line.split(/(\[\d+\])/)) {
    const passage = passages.get(Number(/^\[(\d+)\]$/.exec(piece)?.[1]));
    made.append(passage ? citationButton(piece, passage) : piece);
  }
  return made;
}

/**
 * @param {string} label
 * @param {HTMLDetailsElement} passage
 */
function citationButton(label, passage) {
  const button = /** @type {HTMLButtonElement} */ (element("button", label.slice(1, -1)));
  button.type = "button";
  button.className = "citation";
  button.setAttribute("aria-label", `Source ${label.slice(1, -1)}: ${part(passage, "document").textContent}`);
  button.setAttribute("aria-controls", passage.id);
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => openPassage(passage, button));
  passage.addEventListener("toggle", () => button.setAttribute("aria-expanded", String(passage.open)));
  return button;
}

/**
 * Open a passage and go there; Escape closes it and goes back to the citation.
 * @param {HTMLDetailsElement} passage
 * @param {HTMLButtonElement} citation
 */
function openPassage(passage, citation) {
  const summary = /** @type {HTMLElement} */ (passage.querySelector("summary"));
  passage.open = true;
  passage.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    passage.open = false;
    citation.focus();
  };
  summary.focus({ preventScroll: true });
  passage.scrollIntoView({ block: "nearest" });
}

/**
 * @param {HTMLElement} place
 * @param {Citation[]} citations
 * @returns {Map<number, HTMLDetailsElement>} each passage by its number
 */
function showSources(place, citations) {
  const passages = new Map();
  const turn = place.parentElement?.childElementCount;
  for (const citation of citations) {
    const { number, document, locator, quote } = citation;
    const source = copyOf("source-template");
    fill(source, { number: String(number), document, locator, quote });
    part(source, "read").hidden = !canRead(document);
    part(source, "read").addEventListener("click", () => void read(document, citation));
    const passage = /** @type {HTMLDetailsElement} */ (source.querySelector("details"));
    passage.id = `source-${turn}-${number}`;
    passages.set(number, passage);
    part(place, "sources").append(source);
  }
  part(place, "proof").hidden = citations.length === 0;
  return passages;
}

/**
 * @param {HTMLElement} place
 * @param {Answer} answer
 */
function showMeasures(place, answer) {
  const { usage } = answer;
  const time = `${Math.round(answer.latency_ms)} ms`;
  const cost = usage.cost_usd === 0 ? "$0" : `$${usage.cost_usd.toPrecision(2)}`;
  const evidence = `${Math.round(answer.evidence * 100)} %`;
  const measures = {
    Model: answer.model,
    Prompt: answer.prompt_version,
    Tokens: `${usage.input_tokens} in, ${usage.output_tokens} out${answer.offline ? " (estimated)" : ""}`,
    Completed: answer.rewrite ? `by ${answer.rewrite.by}` : "not needed",
    Trace: answer.trace_id,
  };
  fill(place, { short: `${time} · ${cost} · ${evidence} of the question covered` });
  for (const [name, value] of Object.entries(measures)) {
    const pair = document.createElement("div");
    pair.append(element("dt", name), element("dd", value));
    part(place, "measures").append(pair);
  }
}
