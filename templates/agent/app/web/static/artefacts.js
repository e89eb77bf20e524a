/** The files of a run: charts as pictures, the report as text of this page, everything as a download. */

import { bytes } from "./figures.js";
import { prose } from "./markdown.js";
import { byId, copyOf, element, part } from "./parts.js";
import { call, messageOf } from "./service.js";

const PICTURE = "image/svg+xml";
const REPORT = "report.md";

/**
 * @typedef {object} Artefact
 * @property {string} name
 * @property {string} media_type
 * @property {number} bytes
 * @property {string} url
 */

/** Close the large picture by its button and by a click beside it; Escape is the browser's. */
export function listenToPicture() {
  const dialog = byId("picture");
  byId("picture-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => event.target === dialog && dialog.close());
}

/** The place where a run's files are shown. They are fetched with the key and live in this page only. */
export class ArtefactsView {
  #seen = "";
  /** @type {Map<string, string>} addresses of fetched files, by name and size */
  #fetched = new Map();

  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
  }

  /** Let the browser forget the files. */
  close() {
    for (const address of this.#fetched.values()) URL.revokeObjectURL(address);
    this.#fetched.clear();
  }

  /** @param {Artefact[]} artefacts */
  async show(artefacts) {
    const seen = artefacts.map(({ name, bytes }) => `${name} ${bytes}`).join("\n");
    if (seen === this.#seen) return;
    this.#seen = seen;
    const made = copyOf("artefacts-template");
    part(made, "files").append(...artefacts.map((file) => this.#line(file)));
    const report = artefacts.find(({ name }) => name === REPORT);
    const text = report ? await this.#read(report) : "";
    const charts = await this.#charts(artefacts);
    if (seen !== this.#seen) return;
    part(made, "report").hidden = text === "";
    part(made, "report").append(...prose(text, (name, label) => charted(charts.get(name), label)));
    const loose = [...charts].filter(([name]) => !text.includes(`(${name})`));
    part(made, "charts").append(...loose.map(([name, address]) => figure(address, name)));
    part(made, "charts").hidden = loose.length === 0;
    this.place.replaceChildren(made);
  }

  /**
   * The address of each chart by its file's name; one that cannot be fetched is left to its download.
   * @param {Artefact[]} artefacts
   * @returns {Promise<Map<string, string>>}
   */
  async #charts(artefacts) {
    const charts = artefacts.filter(({ media_type }) => media_type === PICTURE);
    const loaded = await Promise.allSettled(charts.map((chart) => this.#fetch(chart)));
    const found = new Map();
    for (const [index, outcome] of loaded.entries())
      if (outcome.status === "fulfilled") found.set(charts[index].name, outcome.value);
    return found;
  }

  /** @param {Artefact} report */
  async #read(report) {
    try {
      return await (await call(report.url)).text();
    } catch {
      return "";
    }
  }

  /**
   * @param {Artefact} file
   * @returns {Promise<string>} an address inside this page
   */
  async #fetch(file) {
    const key = `${file.name} ${file.bytes}`;
    const known = this.#fetched.get(key);
    if (known) return known;
    const content = await (await call(file.url)).blob();
    const address = URL.createObjectURL(new Blob([content], { type: file.media_type }));
    this.#fetched.set(key, address);
    return address;
  }

  /** @param {Artefact} file */
  #line(file) {
    const line = document.createElement("li");
    const button = /** @type {HTMLButtonElement} */ (element("button", file.name));
    button.type = "button";
    button.append(element("span", bytes(file.bytes)));
    button.addEventListener("click", () => void this.#download(file, line));
    line.append(button);
    return line;
  }

  /**
   * @param {Artefact} file
   * @param {HTMLElement} line
   */
  async #download(file, line) {
    try {
      const link = document.createElement("a");
      link.href = await this.#fetch(file);
      link.download = file.name;
      link.click();
    } catch (error) {
      line.append(element("span", messageOf(error)));
    }
  }
}

/**
 * @param {string | undefined} address undefined where there is no such chart
 * @param {string} title
 */
function charted(address, title) {
  return address === undefined ? undefined : figure(address, title);
}

/**
 * A chart that opens large.
 * @param {string} address
 * @param {string} title
 */
function figure(address, title) {
  const image = document.createElement("img");
  image.src = address;
  image.alt = `Chart: ${title}`;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "chart";
  button.append(image);
  button.addEventListener("click", () => enlarge(address, title));
  const made = document.createElement("figure");
  made.append(button);
  return made;
}

/**
 * @param {string} address
 * @param {string} title
 */
function enlarge(address, title) {
  byId("picture-title").textContent = title;
  byId("picture-image").src = address;
  byId("picture-image").alt = `Chart: ${title}`;
  byId("picture").showModal();
}
