/** The page of judgements: loaded with the reader's key, shown as text. */

import { openWithKey } from "./key.js";
import { byId, copyOf, element, fill, part } from "./parts.js";
import { call, messageOf } from "./service.js";

const NOT_KEPT = "The question was not kept.";

/**
 * @typedef {{trace_id: string, rating: number, comment: string, at: string, prompt: string, model: string,
 *   question: string, answer: string, sources: {document: string, locator: string}[],
 *   scores: Record<string, number>}} Judgement
 */

async function show() {
  const state = byId("feedback-state");
  state.textContent = "Loading…";
  try {
    const response = await call(`/v1/feedback?rating=${byId("rating").value}`);
    const found = /** @type {Judgement[]} */ (await response.json());
    byId("judgements").replaceChildren(...found.map(entry));
    state.textContent = found.length ? `${found.length} shown, the newest first.` : "Nobody said anything yet.";
  } catch (error) {
    byId("judgements").replaceChildren();
    state.textContent = messageOf(error);
  }
}

/** @param {Judgement} said */
function entry(said) {
  const made = copyOf("judgement");
  const scores = Object.entries(said.scores).map(([name, score]) => `${name} ${score.toFixed(2)}`);
  fill(made, {
    word: said.rating > 0 ? "Helpful" : "Not helpful",
    when: new Date(said.at).toLocaleString(),
    question: said.question || NOT_KEPT,
    answer: said.answer,
    comment: said.comment,
    setup: [said.prompt, said.model, ...scores, `trace ${said.trace_id}`].filter(Boolean).join(" · "),
    export: `uv run app feedback export ${said.trace_id.slice(0, 12)}`,
  });
  part(made, "word").classList.toggle("not-helpful", said.rating < 0);
  part(made, "answer").hidden = !said.answer;
  part(made, "comment").hidden = !said.comment;
  part(made, "export-row").hidden = !said.question;
  part(made, "sources").append(...said.sources.map((source) => element("li", `${source.document}, ${source.locator}`)));
  return made;
}

byId("rating").addEventListener("change", () => void show());
openWithKey(() => void show());
