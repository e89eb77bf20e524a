/** Numbers and times as a reader wants them. */

/** @param {number} amount in US dollars */
export function dollars(amount) {
  if (amount === 0) return "$0";
  return amount < 0.01 ? `$${amount.toPrecision(2)}` : `$${amount.toFixed(2)}`;
}

/** @param {number} time in seconds */
export function seconds(time) {
  if (time < 1) return `${Math.round(time * 1000)} ms`;
  if (time < 10) return `${time.toFixed(1)} s`;
  if (time < 60) return `${Math.round(time)} s`;
  return `${Math.floor(time / 60)} min ${Math.round(time % 60)} s`;
}

/** @param {number} count of bytes */
export function bytes(count) {
  if (count < 1000) return `${count} B`;
  return count < 1_000_000 ? `${Math.round(count / 1000)} kB` : `${(count / 1_000_000).toFixed(1)} MB`;
}

/**
 * The time of a moment of today, the date of any other.
 * @param {string} moment as ISO 8601
 */
export function when(moment) {
  const date = new Date(moment);
  if (date.toDateString() === new Date().toDateString())
    return date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}
