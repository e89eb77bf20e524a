/** What a run waits for: the call that a person has to allow, with everything that it would do. */

import { copyOf, fill, onSubmit, part } from "./parts.js";
import { describe } from "./plan.js";
import { messageOf, post } from "./service.js";

/**
 * @typedef {object} Approval
 * @property {string} id
 * @property {string} tool
 * @property {Record<string, unknown>} arguments
 * @property {string} asked_at
 */

/** The place where a run asks. */
export class ApprovalView {
  #asked = "";

  /**
   * @param {HTMLElement} place
   * @param {string} run
   */
  constructor(place, run) {
    this.place = place;
    this.run = run;
  }

  /** @param {Approval | null} approval null where nothing is asked */
  show(approval) {
    const asked = approval?.id ?? "";
    if (asked === this.#asked) return;
    this.#asked = asked;
    this.place.replaceChildren();
    if (!approval) return;
    const made = copyOf("approval-template");
    fill(made, { tool: approval.tool });
    part(made, "arguments").replaceChildren(...describe(approval.arguments));
    part(made, "refuse").addEventListener("click", () => void this.#decide(approval.id, false));
    onSubmit(part(made, "form"), () => void this.#decide(approval.id, true));
    this.place.append(made);
  }

  /**
   * @param {string} approval
   * @param {boolean} granted
   */
  async #decide(approval, granted) {
    const comment = part(this.place, "comment").value.trim();
    const buttons = this.place.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    try {
      await post(`/v1/runs/${this.run}/approve`, { approval, granted, comment });
    } catch (error) {
      for (const button of buttons) button.disabled = false;
      part(this.place, "problem").hidden = false;
      part(this.place, "problem").textContent = messageOf(error);
    }
  }
}
