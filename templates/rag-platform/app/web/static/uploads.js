/** Sends files and follows each until it is ready or refused; each has a line of its own on the page. */

import { byId, copyOf, fill, part } from "./parts.js";
import { passagesIn } from "./reader.js";
import { call, messageOf, send } from "./service.js";

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 3000;
const STAGES = { queued: "waiting for its turn", processing: "being read" };

/** @typedef {import("./library.js").DocumentState} DocumentState */

/**
 * @param {File[]} files sent one after the other, so that each shows how far it is
 * @param {string} folder put before their names; empty for none
 * @param {() => Promise<void>} refresh called whenever a document is done
 */
export async function addFiles(files, folder, refresh) {
  const waiting = files.map((file) => ({ file, name: folder ? `${folder}/${file.name}` : file.name }));
  byId("uploads").replaceChildren();
  byId("uploads").hidden = files.length === 0;
  const lines = waiting.map(({ name }) => new UploadLine(name));
  const followed = [];
  for (const [index, { file, name }] of waiting.entries()) {
    const state = await lines[index].send(file, name);
    if (state) followed.push(lines[index].follow(state).then(refresh));
  }
  await Promise.all(followed);
}

/** One file on its way. */
class UploadLine {
  /** @param {string} name */
  constructor(name) {
    byId("uploads").append(copyOf("upload-template"));
    this.place = /** @type {HTMLElement} */ (byId("uploads").lastElementChild);
    fill(this.place, { name, stage: "waiting to be sent" });
    part(this.place, "progress").setAttribute("aria-label", `Progress of ${name}`);
    part(this.place, "progress").value = 0;
  }

  /**
   * @param {File} file
   * @param {string} name
   * @returns {Promise<DocumentState | null>} null where the service did not take it; the line says why
   */
  async send(file, name) {
    const form = new FormData();
    form.append("file", file, name);
    try {
      return await send("/v1/documents", form, (share) => this.#sent(share));
    } catch (error) {
      this.#end("failed", messageOf(error));
      return null;
    }
  }

  /**
   * Poll the document's state, more slowly each time, until it is ready or failed.
   * @param {DocumentState} state
   */
  async follow(state) {
    try {
      let current = state;
      part(this.place, "progress").removeAttribute("value");
      for (let wait = FIRST_WAIT_MS; current.status in STAGES; wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
        fill(this.place, { stage: STAGES[/** @type {"queued" | "processing"} */ (current.status)] });
        await new Promise((resolve) => setTimeout(resolve, wait));
        current = await (await call(state.status_url)).json();
      }
      const ready = ["ready", passagesIn(current.chunks), current.reason].filter(Boolean).join(", ");
      this.#end(current.status, current.status === "ready" ? ready : current.reason);
    } catch (error) {
      this.#end("failed", messageOf(error));
    }
  }

  /** @param {number} share of the bytes, 0 to 1 */
  #sent(share) {
    part(this.place, "progress").value = Math.round(share * 100);
    fill(this.place, { stage: `${Math.round(share * 100)} % sent` });
  }

  /**
   * @param {string} outcome
   * @param {string} message
   */
  #end(outcome, message) {
    this.place.dataset.outcome = outcome;
    part(this.place, "progress").hidden = true;
    fill(this.place, { stage: message });
  }
}
