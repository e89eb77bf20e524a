/** A document as the service has read it, in a dialog; a cited quote is marked and in view. */

import { byId, element } from "./parts.js";
import { call, messageOf } from "./service.js";

/** @typedef {{locator: string, text: string}} Passage */

/** @type {Map<string, string>} the ids of the documents that can be read, by name */
let known = new Map();

/** @param {Map<string, string>} documents ids by name */
export function setReadable(documents) {
  known = documents;
}

/** @param {string} name */
export function canRead(name) {
  return known.has(name);
}

/** Close by the button and by a click beside the dialog; Escape is the browser's. */
export function listenToReader() {
  const reader = byId("reader");
  byId("reader-close").addEventListener("click", () => reader.close());
  reader.addEventListener("click", (/** @type {MouseEvent} */ event) => event.target === reader && reader.close());
}

/**
 * How many passages, in words.
 * @param {number} count
 */
export function passagesIn(count) {
  return count === 1 ? "1 passage" : `${count} passages`;
}

/**
 * Open a document.
 * @param {string} name
 * @param {{locator: string, quote: string}} [cited] what to mark
 */
export async function read(name, cited) {
  byId("reader-title").textContent = name;
  byId("reader-about").textContent = "Opening…";
  byId("reader-text").replaceChildren();
  byId("reader").showModal();
  byId("reader-title").focus();
  try {
    const response = await call(`/v1/documents/${known.get(name)}/passages`);
    show(await response.json(), cited);
  } catch (error) {
    byId("reader-about").textContent = messageOf(error);
  }
}

/**
 * @param {Passage[]} passages in reading order
 * @param {{locator: string, quote: string}} [cited]
 */
function show(passages, cited) {
  const text = byId("reader-text");
  let heading = "";
  for (const passage of passages) {
    if (passage.locator !== heading) text.append(element("h3", lastOf((heading = passage.locator))));
    text.append(paragraph(passage, cited));
  }
  byId("reader-about").textContent = `${passagesIn(passages.length)}, as the search sees them`;
  text.querySelector("mark")?.scrollIntoView({ block: "center" });
}

/**
 * The innermost heading of a path of headings; a page or lines as they are.
 * @param {string} locator
 */
function lastOf(locator) {
  return locator.split(" > ").at(-1) ?? locator;
}

/**
 * @param {Passage} passage
 * @param {{locator: string, quote: string}} [cited]
 */
function paragraph({ locator, text }, cited) {
  const made = element("p", text);
  const at = cited?.locator === locator ? text.indexOf(cited.quote) : -1;
  if (!cited || at < 0) return made;
  made.className = "cited";
  made.replaceChildren(text.slice(0, at), element("mark", cited.quote), text.slice(at + cited.quote.length));
  return made;
}
