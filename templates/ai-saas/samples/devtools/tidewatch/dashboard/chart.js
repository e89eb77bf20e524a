// Draws the levels of one gauge as a line, with the limits as dashed rules.

const MARGIN = 24;

export function scaleLevel(level, lowest, highest, height) {
  // Metres to pixels: the highest level is at the top.
  return MARGIN + ((highest - level) / (highest - lowest)) * (height - 2 * MARGIN);
}

export function harbourTime(iso, zone) {
  // The only place where UTC becomes local time.
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(new Date(iso));
}

export class LevelChart {
  constructor(svg, limits) {
    this.svg = svg;
    this.limits = limits;
  }

  draw(points) {
    const highest = Math.max(this.limits.high, ...points.map((point) => point.level));
    const lowest = Math.min(this.limits.low, ...points.map((point) => point.level));
    const path = points.map((point, index) => `${index * 6},${scaleLevel(point.level, lowest, highest, 240)}`);
    this.svg.querySelector("polyline").setAttribute("points", path.join(" "));
  }
}
