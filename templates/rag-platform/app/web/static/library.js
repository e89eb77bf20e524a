/** The list of documents with their states: adding, reading and deleting them. */

import { byId, copyOf, element, fill, onSubmit, part } from "./parts.js";
import { passagesIn, read, setReadable } from "./reader.js";
import { call, messageOf } from "./service.js";
import { addFiles } from "./uploads.js";

/**
 * @typedef {object} DocumentState
 * @property {string} id
 * @property {string} name
 * @property {"queued" | "processing" | "ready" | "failed"} status
 * @property {string} reason
 * @property {number} chunks
 * @property {string} status_url
 */

/** Show what the service has; what needs attention comes first. */
export async function showDocuments() {
  try {
    const response = await call("/v1/documents");
    render(await response.json());
  } catch (error) {
    byId("library-summary").textContent = messageOf(error);
  }
}

/** Add files by the form or by dropping them on it. */
export function listenToLibrary() {
  const form = byId("upload-form");
  onSubmit(form, () => {
    add(byId("file").files);
    byId("file").value = "";
  });
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    form.addEventListener(name, (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      form.classList.toggle("over", name === "dragenter" || name === "dragover");
      if (name === "drop" && event.dataTransfer && byId("into").checkValidity()) add(event.dataTransfer.files);
    });
  }
}

/** @param {FileList} files */
function add(files) {
  void addFiles([...files], byId("into").value.trim(), showDocuments);
}

/** @param {DocumentState[]} states */
function render(states) {
  const attention = states.filter((state) => state.status !== "ready");
  const ready = states.filter((state) => state.status === "ready");
  setReadable(new Map(ready.map((state) => [state.name, state.id])));
  offerFolders(ready.map((state) => state.name));
  byId("documents").replaceChildren(...[...attention, ...ready].map(row));
  byId("documents").hidden = states.length === 0;
  byId("library-empty").hidden = states.length > 0;
  byId("library-summary").textContent = states.length > 0 ? summary(states.length, ready.length) : "";
}

/** @param {DocumentState} state */
function row(state) {
  const made = copyOf("document-template");
  const ready = state.status === "ready";
  const { folder, file } = split(state.name);
  const detail = [folder, ready ? passagesIn(state.chunks) : "", state.reason].filter(Boolean).join(" · ");
  fill(made, { name: file, state: ready ? "" : state.status, detail });
  part(made, "state").dataset.state = state.status;
  part(made, "state").hidden = ready;
  part(made, "name").disabled = !ready;
  part(made, "name").title = state.name;
  part(made, "name").addEventListener("click", () => void read(state.name));
  part(made, "delete").setAttribute("aria-label", `Delete ${state.name}`);
  part(made, "delete").addEventListener("click", () => askBeforeDeleting(state));
  return made;
}

/** @param {DocumentState} state */
function askBeforeDeleting(state) {
  const dialog = byId("removal");
  byId("removal-name").textContent = state.name;
  dialog.returnValue = "";
  dialog.onclose = async () => {
    if (dialog.returnValue !== "delete") return;
    try {
      await call(`/v1/documents/${state.id}`, { method: "DELETE" });
      await showDocuments();
      byId("library-summary").textContent = `${state.name} is deleted.`;
    } catch (error) {
      byId("library-summary").textContent = messageOf(error);
    }
    byId("documents").focus();
  };
  dialog.showModal();
}

/**
 * Offer the first parts of the names to search in; what was chosen stays chosen while it exists.
 * @param {string[]} names
 */
function offerFolders(names) {
  const select = byId("folder");
  const chosen = select.value;
  const folders = new Set(names.map((name) => split(name).folder.split("/")[0]).filter(Boolean));
  select.length = 1;
  for (const folder of [...folders].sort()) select.append(element("option", folder));
  select.value = folders.has(chosen) ? chosen : "";
}

/** @param {string} name */
function split(name) {
  const end = name.lastIndexOf("/");
  return { folder: name.slice(0, Math.max(end, 0)), file: name.slice(end + 1) };
}

/**
 * @param {number} all
 * @param {number} ready
 */
function summary(all, ready) {
  return ready === all ? `${ready} ready` : `${ready} of ${all} ready`;
}
