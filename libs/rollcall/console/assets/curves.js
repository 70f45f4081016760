// Small curves of the past minutes, without axes: the number beside each says how much.

import { draw } from "./elements.js";

const MOST_POINTS = 120;
const WIDTH = 100;
const HEIGHT = 20;
const pasts = new Map();

/** Remembers one more value under `name`. */
export function remember(name, value) {
  const past = pasts.get(name) ?? [];
  past.push(value);
  if (past.length > MOST_POINTS) past.shift();
  pasts.set(name, past);
}

/** Begins anew with these values. */
export const begin = (name, values) => pasts.set(name, values.slice(-MOST_POINTS));

/** Forgets all whose name is not in `names` and begins with `prefix`. */
export function forgetOthers(prefix, names) {
  for (const name of [...pasts.keys()]) {
    if (name.startsWith(prefix) && !names.has(name)) pasts.delete(name);
  }
}

export function curve() {
  return draw("svg", { class: "curve", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    draw("path", { class: "area" }), draw("path"));
}

export function showCurve(svg, name) {
  const past = pasts.get(name) ?? [];
  const known = past.filter((value) => value !== null && value !== undefined);
  const [area, line] = svg.children;
  const most = Math.max(1, ...known);
  const step = WIDTH / (MOST_POINTS - 1);
  const start = WIDTH - (past.length - 1) * step;
  let path = "";
  let pen = "M";
  past.forEach((value, index) => {
    if (value === null || value === undefined) { pen = "M"; return; }
    const x = (start + index * step).toFixed(1);
    const y = (HEIGHT - 1 - (value / most) * (HEIGHT - 2)).toFixed(1);
    path += `${pen}${x} ${y}`;
    pen = "L";
  });
  line.setAttribute("d", path);
  const whole = known.length === past.length && past.length > 1;
  area.setAttribute("d", whole ? `${path}L${WIDTH} ${HEIGHT}L${start.toFixed(1)} ${HEIGHT}Z` : "");
}
