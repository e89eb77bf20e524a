/** The reader's thumb for one answer, sent at once, and a comment, if there is one, after it. */

import { onSubmit, part } from "./parts.js";
import { messageOf, post } from "./service.js";

const QUESTIONS = { "1": "What was good? (optional)", "-1": "What was missing or wrong? (optional)" };

/**
 * @param {HTMLElement} place the turn
 * @param {string} traceId
 */
export function acceptJudgement(place, traceId) {
  const buttons = [.../** @type {NodeListOf<HTMLButtonElement>} */ (place.querySelectorAll("[data-rating]"))];
  for (const button of buttons) {
    button.addEventListener("click", async () => {
      if (buttons.some((each) => each.ariaPressed === "true")) return;
      button.ariaPressed = "true";
      if (await send(place, traceId, button, "Thank you, that is noted.")) askForComment(place, traceId, button);
      else button.ariaPressed = "false";
    });
  }
}

/**
 * @param {HTMLElement} place
 * @param {string} traceId
 * @param {HTMLButtonElement} thumb
 */
function askForComment(place, traceId, thumb) {
  const form = part(place, "comment-form");
  const field = part(place, "comment");
  field.id = `comment-${traceId}`;
  part(place, "comment-label").htmlFor = field.id;
  part(place, "comment-label").textContent = QUESTIONS[/** @type {"1" | "-1"} */ (thumb.dataset.rating)];
  form.hidden = false;
  onSubmit(form, async () => {
    const comment = field.value.trim();
    if (comment && (await send(place, traceId, thumb, "Thank you for the comment.", comment))) form.hidden = true;
  });
}

/**
 * @param {HTMLElement} place
 * @param {string} traceId
 * @param {HTMLButtonElement} thumb
 * @param {string} thanks
 * @param {string} comment
 * @returns {Promise<boolean>} whether the service has it
 */
async function send(place, traceId, thumb, thanks, comment = "") {
  const status = part(place, "thanks");
  try {
    await post("/v1/feedback", { trace_id: traceId, rating: Number(thumb.dataset.rating), comment });
    status.textContent = thanks;
    return true;
  } catch (error) {
    status.textContent = messageOf(error);
    return false;
  }
}
