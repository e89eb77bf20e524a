/** The Markdown that reports and notes use, as elements: headings, paragraphs, lists, tables, figures, bold, code. */

import { element } from "./parts.js";

const HEADING = /^(#{1,4}) +(.*)$/;
const BULLET = /^ *[-*] +(.*)$/;
const NUMBERED = /^ *\d+[.)] +(.*)$/;
const ROW = /^ *\|(.*)\| *$/;
const RULE = /^ *\|[ :|-]+\| *$/;
const IMAGE = /^!\[([^\]]*)\]\(([^)]+)\)$/;
const NEW_BLOCK = [/^\s*$/, HEADING, BULLET, NUMBERED, ROW, IMAGE];
const INLINE = /(\*\*[^*]+\*\*|`[^`]+`)/;
const NUMBER = /^[-+]?[$€£]?[\d.,]+ ?%?$/;

/** @typedef {(address: string, label: string) => HTMLElement | undefined} FigureOf what stands for an image */

/**
 * Elements for a text. Whatever is not understood stays as it is written; links stay text.
 * @param {string} text
 * @param {FigureOf} [figureOf]
 * @returns {HTMLElement[]}
 */
export function prose(text, figureOf = () => undefined) {
  const made = [];
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  while (lines.length > 0) {
    const [line] = lines;
    if (line.trim() === "") lines.shift();
    else if (ROW.test(line)) made.push(table(take(lines, ROW)));
    else if (BULLET.test(line)) made.push(list("ul", take(lines, BULLET)));
    else if (NUMBERED.test(line)) made.push(list("ol", take(lines, NUMBERED)));
    else made.push(block(String(lines.shift()).trim(), lines, figureOf));
  }
  return made;
}

/**
 * A heading, a figure or a paragraph.
 * @param {string} line its first line
 * @param {string[]} rest the lines behind it; those of the paragraph are taken away
 * @param {FigureOf} figureOf
 */
function block(line, rest, figureOf) {
  const [, marks, title] = HEADING.exec(line) ?? [];
  if (marks) return withInline(`h${Math.min(marks.length + 2, 6)}`, title);
  const [, label, address] = IMAGE.exec(line) ?? [];
  const figure = address && figureOf(address, label);
  if (figure) return figure;
  const words = [line];
  while (rest.length > 0 && !NEW_BLOCK.some((kind) => kind.test(rest[0]))) words.push(String(rest.shift()).trim());
  return withInline("p", words.join("\n"));
}

/**
 * The lines at the beginning that match; they are taken away.
 * @param {string[]} lines
 * @param {RegExp} kind
 */
function take(lines, kind) {
  const end = lines.findIndex((line) => !kind.test(line));
  return lines.splice(0, end < 0 ? lines.length : end);
}

/**
 * @param {"ul" | "ol"} tag
 * @param {string[]} lines
 */
function list(tag, lines) {
  const made = document.createElement(tag);
  for (const line of lines) made.append(withInline("li", String((BULLET.exec(line) ?? NUMBERED.exec(line))?.[1])));
  return made;
}

/** @param {string[]} lines a header, a rule, rows */
function table(lines) {
  const rows = lines.filter((line) => !RULE.test(line)).map(cellsOf);
  const numbers = rows[0].map((_, at) => rows.slice(1).every((row) => NUMBER.test(row[at] ?? "")));
  const made = document.createElement("table");
  for (const [index, cells] of rows.entries()) {
    const row = made.insertRow();
    for (const [at, text] of cells.entries()) {
      const cell = withInline(index === 0 ? "th" : "td", text);
      if (numbers[at]) cell.className = "number";
      row.append(cell);
    }
  }
  const frame = document.createElement("div");
  frame.className = "wide";
  frame.tabIndex = 0;
  frame.append(made);
  return frame;
}

/** @param {string} line of a table */
function cellsOf(line) {
  return String(ROW.exec(line)?.[1])
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/**
 * An element whose bold and code pieces are elements.
 * @param {string} tag
 * @param {string} text
 */
function withInline(tag, text) {
  const made = document.createElement(tag);
  for (const piece of text.split(INLINE)) {
    if (!INLINE.test(piece)) made.append(piece);
    else if (piece.startsWith("`")) made.append(element("code", piece.slice(1, -1)));
    else made.append(element("strong", piece.slice(2, -2)));
  }
  return made;
}
