/** Sends documents one after the other, tells how far each is, and lets the list below load itself again. */

import { byId, copyOf, fill, onSubmit, part } from "./parts.js";
import { messageOf } from "./service.js";
import { send } from "./session.js";

const form = byId("upload-form");
const input = byId("file");
const list = byId("uploads");

/** @param {Iterable<File>} files */
async function upload(files) {
  const chosen = [...files];
  list.hidden = chosen.length === 0;
  const lines = chosen.map(lineFor);
  for (const [i, file] of chosen.entries()) await sendOne(file, lines[i]);
  input.value = "";
}

/** @param {File} file */
function lineFor(file) {
  const made = copyOf("upload-template");
  fill(made, { name: file.name, stage: "Waiting" });
  list.append(made);
  return /** @type {HTMLElement} */ (list.lastElementChild);
}

/**
 * @param {File} file
 * @param {HTMLElement} line where its progress is shown
 */
async function sendOne(file, line) {
  const sent = new FormData();
  sent.append("file", file, file.webkitRelativePath || file.name);
  fill(line, { stage: "Sending" });
  try {
    await send("/documents", sent, (share) => (part(line, "progress").value = Math.round(share * 100)));
    line.remove();
    list.hidden = list.childElementCount === 0;
    htmx.trigger(document.body, "uploaded");
  } catch (error) {
    fill(line, { stage: "Not added", wrong: messageOf(error) });
    part(line, "wrong").hidden = false;
    part(line, "progress").hidden = true;
  }
}

/** @param {DragEvent} event */
function over(event) {
  event.preventDefault();
  form.classList.toggle("over", event.type === "dragover");
}

onSubmit(form, () => void upload(input.files));
for (const name of ["dragover", "dragleave", "drop"]) form.addEventListener(name, over);
form.addEventListener("drop", (event) => void upload(event.dataTransfer.files));
