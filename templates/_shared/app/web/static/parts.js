/** Copies of the page's `<template>`s, filled with text. Nothing here can turn text into markup. */

/**
 * The element of the page with this id.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  return must(document.getElementById(id), `#${id}`);
}

/**
 * A fresh copy of a template's content.
 * @param {string} id
 * @returns {DocumentFragment}
 */
export function copyOf(id) {
  return byId(id).content.cloneNode(true);
}

/**
 * The element marked `data-part="name"` inside `root`.
 * @param {ParentNode} root
 * @param {string} name
 * @returns {any}
 */
export function part(root, name) {
  return must(root.querySelector(`[data-part="${name}"]`), name);
}

/**
 * Put texts into the parts of the same names.
 * @param {ParentNode} root
 * @param {Record<string, string>} texts
 */
export function fill(root, texts) {
  for (const [name, text] of Object.entries(texts)) part(root, name).textContent = text;
}

/**
 * An element that holds text.
 * @param {string} tag
 * @param {string} text
 */
export function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/**
 * Do something instead of what the browser does with a form.
 * @param {HTMLFormElement} form
 * @param {() => unknown} action
 */
export function onSubmit(form, action) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
}

/**
 * @template T
 * @param {T | null} found
 * @param {string} name
 * @returns {T}
 */
function must(found, name) {
  if (found === null) throw new Error(`The page has no ${name}.`);
  return found;
}
