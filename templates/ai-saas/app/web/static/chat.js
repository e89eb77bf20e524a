/** The chat: a question goes out, its answer grows, citations open the passages that they name. */

import { AnswerView } from "./turn.js";
import { readEvents } from "./events.js";
import { byId, onSubmit } from "./parts.js";
import { ServiceError } from "./service.js";
import { post } from "./session.js";

const CUT_OFF = "The connection ended before the answer was complete. Ask again.";
const STOPPED = "You stopped this answer.";
const conversation = /** @type {HTMLElement} */ (document.querySelector("[data-conversation]")).dataset.conversation;
const question = byId("question");

/** @type {AbortController | undefined} */
let running;

/** @param {string} asked */
async function ask(asked) {
  running?.abort();
  const mine = (running = new AbortController());
  working(true);
  const view = new AnswerView(byId("turns"), asked);
  try {
    const sent = { question: asked, stream: true, conversation_id: conversation };
    await follow(await post("/ask", sent, mine.signal), view);
    byId("talk-actions").hidden = false;
    history.replaceState(null, "", `?conversation=${conversation}`);
  } catch (error) {
    if (mine.signal.aborted) view.fail(STOPPED, 0);
    else if (error instanceof ServiceError) giveBack(view, asked, error);
    else view.fail(CUT_OFF, 0);
  }
  if (running === mine) working(false);
  htmx.trigger(document.body, "asked"); // what is left of the plan is looked up again
}

/**
 * @param {Response} response
 * @param {AnswerView} view
 */
async function follow(response, view) {
  for await (const { name, data } of readEvents(/** @type {ReadableStream<Uint8Array>} */ (response.body))) {
    const content = JSON.parse(data);
    if (name === "delta") view.append(content.text);
    if (name === "error") return view.fail(content.detail, 0);
    if (name === "answer") return view.finish(content);
  }
  view.fail(CUT_OFF, 0);
}

/**
 * A question that was refused as a whole stands in its field again.
 * @param {AnswerView} view
 * @param {string} asked
 * @param {ServiceError} error
 */
function giveBack(view, asked, error) {
  view.fail(error.message, error.status);
  question.value ||= asked;
}

/** @param {boolean} yes */
function working(yes) {
  byId("stop").hidden = !yes;
  const welcome = document.getElementById("welcome");
  if (welcome) welcome.hidden = true;
}

function askWhatIsTyped() {
  const asked = question.value.trim();
  if (!asked) return;
  question.value = "";
  void ask(asked);
}

/** @param {KeyboardEvent} event */
function askOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("ask-form").requestSubmit();
}

/** @param {MouseEvent} event */
function askSuggestion(event) {
  const suggestion = /** @type {HTMLElement} */ (event.target).closest("[data-suggestion]");
  if (suggestion) void ask(suggestion.textContent ?? "");
}

onSubmit(byId("ask-form"), askWhatIsTyped);
question.addEventListener("keydown", askOnEnter);
byId("stop").addEventListener("click", () => running?.abort());
document.addEventListener("click", askSuggestion);
