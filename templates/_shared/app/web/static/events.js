/** Reads server-sent events from a response body, wherever the network cut it. */

/**
 * @typedef {object} ServerEvent
 * @property {string} name
 * @property {string} data
 */

/**
 * The events of a stream as they become complete; one that the end cuts off is left out.
 * @param {ReadableStream<Uint8Array>} stream
 * @returns {AsyncGenerator<ServerEvent>}
 */
export async function* readEvents(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = normalised(rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      yield* blocks.map(parseEvent).filter((event) => event !== null);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * Line ends as \n; a \r at the very end stays, because its \n may come with the next piece.
 * @param {string} text
 */
function normalised(text) {
  return text.replace(/\r\n|\r(?!$)/g, "\n");
}

/**
 * @param {string} block lines of one event
 * @returns {ServerEvent | null} null for comments and keep-alives
 */
function parseEvent(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "event") name = value;
    if (field === "data") data.push(value);
  }
  return data.length > 0 ? { name, data: data.join("\n") } : null;
}
