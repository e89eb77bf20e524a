/** A form that was sent shows that it waits, and is not sent twice. */

/** @param {SubmitEvent} event */
function wait(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (event.defaultPrevented) return;
  if (form.ariaBusy === "true") return event.preventDefault();
  form.ariaBusy = "true";
  event.submitter?.setAttribute("aria-busy", "true");
}

/** A page that comes back out of the browser's memory waits for nothing. */
function rest() {
  for (const waiting of document.querySelectorAll("form[aria-busy], button[aria-busy]")) {
    waiting.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", wait);
addEventListener("pageshow", rest);
