/** One question and its answer: text that grows, then citations that open their passage. */

import { copyOf, element, fill, part } from "./parts.js";
import { messageOf } from "./service.js";
import { post } from "./session.js";

const QUOTA_REACHED = 402;

/**
 * @typedef {{number: number, document: string, locator: string, quote: string}} Citation
 * @typedef {{answer: string, citations: Citation[], refused: boolean, offline: boolean, model: string,
 *   latency_ms: number, trace_id: string, rewrite: {question: string} | null}} Answer
 */

/** The place where one question is answered. */
export class AnswerView {
  /**
   * @param {HTMLElement} turns where it is appended
   * @param {string} question
   */
  constructor(turns, question) {
    turns.append(copyOf("turn-template"));
    this.place = /** @type {HTMLElement} */ (turns.lastElementChild);
    this.text = part(this.place, "text");
    fill(this.place, { question });
    part(this.place, "question").scrollIntoView({ block: "start" });
  }

  /** @param {string} text a checked piece */
  append(text) {
    part(this.place, "waiting").hidden = true;
    this.text.append(element("p", text));
  }

  /** @param {Answer} answer */
  finish(answer) {
    this.#settle();
    part(this.place, "refused").hidden = !answer.refused;
    const passages = showSources(this.place, answer.citations);
    this.text.append(...answer.answer.split("\n").map((line) => paragraph(line, passages)));
    part(this.place, "foot").hidden = false;
    fill(this.place, { made: madeBy(answer) });
    acceptJudgement(this.place, answer.trace_id);
  }

  /**
   * @param {string} message why there is no answer; pieces that were shown go, for their sources are missing
   * @param {number} status of the answer, or 0
   */
  fail(message, status) {
    this.#settle();
    part(this.place, "problem").hidden = false;
    part(this.place, "upgrade").hidden = status !== QUOTA_REACHED;
    fill(this.place, { reason: message });
  }

  #settle() {
    part(this.place, "waiting").hidden = true;
    this.text.replaceChildren();
    this.text.ariaBusy = "false";
  }
}

/**
 * @param {HTMLElement} place
 * @param {string} trace of the answer that is judged
 */
function acceptJudgement(place, trace) {
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (place.querySelectorAll("[data-rating]"));
  const judge = async (/** @type {HTMLButtonElement} */ chosen) => {
    try {
      await post("/feedback", { trace_id: trace, rating: Number(chosen.dataset.rating) });
      for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
      fill(place, { thanks: "Thank you." });
    } catch (error) {
      fill(place, { thanks: messageOf(error) });
    }
  };
  for (const button of buttons) button.addEventListener("click", () => void judge(button));
}

/** @param {Answer} answer */
function madeBy(answer) {
  const how = answer.offline ? "Offline model: sentences copied from your documents" : answer.model;
  const understood = answer.rewrite ? `Understood as: ${answer.rewrite.question} · ` : "";
  return `${understood}${how} · ${(answer.latency_ms / 1000).toFixed(1)} s`;
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
    made.append(passage ? citationButton(piece.slice(1, -1), passage) : piece);
  }
  return made;
}

/**
 * @param {string} number
 * @param {HTMLDetailsElement} passage
 */
function citationButton(number, passage) {
  const button = /** @type {HTMLButtonElement} */ (element("button", number));
  button.type = "button";
  button.className = "citation";
  button.setAttribute("aria-label", `Source ${number}: ${part(passage, "document").textContent}`);
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
  passage.open = true;
  passage.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    passage.open = false;
    citation.focus();
  };
  const summary = /** @type {HTMLElement} */ (passage.querySelector("summary"));
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
  const root = `/o/${document.body.dataset.organisation}`;
  for (const { number, document: name, locator, quote } of citations) {
    const source = copyOf("source-template");
    fill(source, { number: String(number), document: name, locator, quote });
    part(source, "open").href = `${root}/document?${new URLSearchParams({ name, locator })}#cited`;
    passages.set(number, source.querySelector("details"));
    part(place, "sources").append(source);
  }
  part(place, "sources").hidden = citations.length === 0;
  return passages;
}
