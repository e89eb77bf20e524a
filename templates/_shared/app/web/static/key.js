/** The field for the reader's key: shown until there is one, and again when the service refuses it. */

import { byId, onSubmit } from "./parts.js";
import { KEY_NEEDED, hasKey, keepKey, takeKeyFromAddress } from "./service.js";

const REFUSED_KEY =
  "The service does not accept this key: it was revoked, or it belongs to an earlier start of the service.";

/**
 * Take the key from the address, from this tab, or from the field.
 * @param {() => void} begin called with every new key
 */
export function openWithKey(begin) {
  const useKey = () => {
    byId("key").hidden = true;
    byId("key-field").value = "";
    begin();
  };
  document.addEventListener(KEY_NEEDED, (event) => askForKey(/** @type {CustomEvent} */ (event).detail));
  addEventListener("hashchange", () => takeKeyFromAddress() && useKey());
  onSubmit(byId("key-form"), () => {
    keepKey(byId("key-field").value);
    useKey();
  });
  takeKeyFromAddress();
  if (hasKey()) useKey();
  else askForKey(false);
}

/** @param {boolean} refused whether there was a key that the service did not accept */
function askForKey(refused) {
  byId("key").hidden = false;
  byId("key-problem").hidden = !refused;
  byId("key-problem").textContent = refused ? REFUSED_KEY : "";
  byId("key-field").focus();
}
