/** The page: wires the key, the conversation and the documents to the service. */

import { Conversation } from "./conversation.js";
import { openWithKey } from "./key.js";
import { listenToLibrary, showDocuments } from "./library.js";
import { byId, onSubmit } from "./parts.js";
import { listenToReader } from "./reader.js";
import { hasKey } from "./service.js";

const conversation = new Conversation();

function askWhatIsTyped() {
  const question = byId("question").value.trim();
  if (!question) return;
  byId("question").value = "";
  void conversation.ask(question, byId("folder").value);
}

function begin() {
  byId("question").focus({ preventScroll: true });
  void showDocuments();
  void conversation.restore();
}

function listen() {
  addEventListener("focus", () => hasKey() && void showDocuments());
  onSubmit(byId("ask-form"), askWhatIsTyped);
  byId("question").addEventListener("keydown", askOnEnter);
  byId("welcome").addEventListener("click", askExample);
  byId("stop").addEventListener("click", () => conversation.stop());
  byId("new-conversation").addEventListener("click", () => {
    conversation.begin();
    byId("question").focus();
  });
  listenToLibrary();
  listenToReader();
}

/** @param {KeyboardEvent} event */
function askOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("ask-form").requestSubmit();
}

/** @param {MouseEvent} event */
function askExample(event) {
  const example = /** @type {HTMLElement} */ (event.target).closest(".example");
  if (!example) return;
  byId("question").value = example.textContent;
  byId("question").focus();
  byId("ask-form").requestSubmit();
}

listen();
openWithKey(begin);
