/** A conversation: questions and answers below each other, each of which may follow up the ones before it. */

import { AnswerView } from "./answer.js";
import { readEvents } from "./events.js";
import { byId } from "./parts.js";
import { ServiceError, call, post } from "./service.js";

const STORED_ID = "conversation";
const CUT_OFF = "The connection ended before the answer was complete. Ask again.";
const STOPPED = "You stopped this answer.";

/** @typedef {{question: string, answer: string}} PastTurn */

/** The conversation of this tab. The service keeps what was said; the tab keeps only its name. */
export class Conversation {
  /** @type {AbortController | undefined} */
  #running;
  #id = sessionStorage.getItem(STORED_ID) ?? madeUpId();

  /** Forget the turns on the page and begin anew. */
  begin() {
    this.#running?.abort();
    this.#forget();
    byId("turns").replaceChildren();
    showTurns(false);
  }

  /** Show what was said before the page was loaded again. */
  async restore() {
    if (!sessionStorage.getItem(STORED_ID) || byId("turns").childElementCount > 0) return;
    try {
      const response = await call(`/v1/conversations/${this.#id}`);
      /** @type {{turns: PastTurn[]}} */
      const { turns } = await response.json();
      for (const { question, answer } of turns) new AnswerView(byId("turns"), question, "").remember(answer);
      showTurns(turns.length > 0);
    } catch (error) {
      if (error instanceof ServiceError && error.status === 404) this.#forget();
    }
  }

  /** End the answer that is being written. */
  stop() {
    this.#running?.abort(STOPPED);
  }

  /**
   * Ask, and show the answer while it grows. A new question ends the one before.
   * @param {string} question
   * @param {string} folder where to search; empty for everywhere
   */
  async ask(question, folder) {
    this.stop();
    const running = (this.#running = new AbortController());
    showTurns(true);
    byId("stop").hidden = false;
    const view = new AnswerView(byId("turns"), question, folder);
    view.show();
    try {
      const filters = folder ? { folder } : {};
      const asked = { question, stream: true, conversation_id: this.#id, filters };
      if (await follow(await post("/v1/ask", asked, running.signal), view)) sessionStorage.setItem(STORED_ID, this.#id);
    } catch (error) {
      if (running.signal.aborted) view.fail(STOPPED);
      else if (error instanceof ServiceError && error.status === 401) giveBack(view, question);
      else view.fail(error instanceof ServiceError ? error.message : CUT_OFF);
    }
    if (this.#running === running) byId("stop").hidden = true;
  }

  #forget() {
    sessionStorage.removeItem(STORED_ID);
    this.#id = madeUpId();
  }
}

/** A name for a new conversation that nobody else will find. */
function madeUpId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {Response} response
 * @param {AnswerView} view
 * @returns {Promise<boolean>} whether there was an answer; the service then keeps the turn
 */
async function follow(response, view) {
  for await (const { name, data } of readEvents(/** @type {ReadableStream<Uint8Array>} */ (response.body))) {
    const content = JSON.parse(data);
    if (name === "delta") view.append(content.text);
    if (name === "error") view.fail(content.detail);
    if (name === "answer") view.finish(content);
    if (name === "error" || name === "answer") return name === "answer";
  }
  view.fail(CUT_OFF);
  return false;
}

/**
 * A question that needs a key first stands in its field again.
 * @param {AnswerView} view
 * @param {string} question
 */
function giveBack(view, question) {
  view.remove();
  byId("question").value = question;
  showTurns(byId("turns").childElementCount > 0);
}

/** @param {boolean} any whether there is a turn to show */
function showTurns(any) {
  byId("turns").hidden = !any;
  byId("new-conversation").hidden = !any;
  byId("welcome").hidden = any;
}
