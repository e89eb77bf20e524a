/** The page: wires the key, the conversation and the documents to the service. */

import { Conversation } from "./conversation.js";
import { listenToLibrary, showDocuments } from "./library.js";
import { byId, onSubmit } from "./parts.js";
import { listenToReader } from "./reader.js";
import { KEY_NEEDED, hasKey, keepKey, takeKeyFromAddress } from "./service.js";

const REFUSED_KEY =
  "The service does not accept this key: it was revoked, or it belongs to an earlier start of the service.";

const conversation = new Conversation();

function askWhatIsTyped() {
  const question = byId("question").value.trim();
  if (!question) return;
  byId("question").value = "";
  void conversation.ask(question, byId("folder").value);
}

/** @param {boolean} refused whether there was a key that the service did not accept */
function askForKey(refused) {
  byId("key").hidden = false;
  byId("key-problem").hidden = !refused;
  byId("key-problem").textContent = refused ? REFUSED_KEY : "";
  byId("key-field").focus();
}

function useKey() {
  byId("key").hidden = true;
  byId("key-field").value = "";
  byId("question").focus({ preventScroll: true });
  void showDocuments();
  void conversation.restore();
}

function listen() {
  document.addEventListener(KEY_NEEDED, (event) => askForKey(/** @type {CustomEvent} */ (event).detail));
  addEventListener("hashchange", () => takeKeyFromAddress() && useKey());
  addEventListener("focus", () => hasKey() && void showDocuments());
  onSubmit(byId("key-form"), () => {
    keepKey(byId("key-field").value);
    useKey();
  });
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

takeKeyFromAddress();
listen();
if (hasKey()) useKey();
else askForKey(false);
