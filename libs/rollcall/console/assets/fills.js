// Batches, and how their slots fill. Which slots are how is told by height, not by colour alone.

import { byId, draw, make, mark, renew, row, say, showState } from "./elements.js";
import { atLeast, count, plural, since } from "./formats.js";

// More than these are drawn without seams: they would be a grey haze.
const MOST_SEAMS = 60;
const STATES = { open: ["calm", "open"], completed: ["good", "completed"], closed: ["warn", "closed"] };

export function showFills(state) {
  const { fills, at } = state;
  byId("fills").hidden = !fills;
  if (!fills) return;
  say(byId("fills-title"), fills.title);
  say(byId("fills-summary"), summary(fills));
  renew(byId("fill-rows"), fills.shown, (fill) => fill.id, create, (element, fill) => update(element, fill, at));
  byId("fills-none").hidden = fills.shown.length > 0;
}

function summary(fills) {
  const open = fills.shown.filter((fill) => fill.state === "open").length;
  const shown = open < fills.open ? `the ${open} fullest of them first` : "the fullest first";
  return `${atLeast(fills.open, fills.open_more)} open, ${shown}; ${atLeast(fills.ended, fills.ended_more)} ended.`;
}

function create() {
  const element = row([["", ""], ["", "wide"], ["Taken", "number"], ["", ""]]);
  element.children[0].append(make("span"), make("span", { class: "beside" }));
  element.children[1].append(bar());
  element.children[2].append(make("span", { class: "beside" }), make("span", { class: "taken" }));
  element.children[3].append(make("span", { class: "beside" }));
  return element;
}

function update(element, fill, at) {
  const [name, slots, taken, state] = element.children;
  say(name.children[0], fill.id.slice(0, 8));
  mark(name, "title", fill.id);
  say(name.children[1], fill.label);
  showBar(slots.firstElementChild, fill);
  say(taken.children[0], asides(fill));
  say(taken.children[1], `${count(fill.filled + fill.failed)} of ${count(fill.slots)}`);
  const [mood, word] = STATES[fill.state];
  showState(state, mood, word);
  say(state.lastElementChild, fill.ended_at ? `${since(fill.ended_at, at)} ago` : `for ${since(fill.since, at)}`);
}

function asides(fill) {
  return [[fill.failed, "failed"], [fill.missing, "missing"], [fill.pending, "pending"]]
    .filter(([number]) => number > 0).map(([number, word]) => `${count(number)} ${word}`).join(", ");
}

function bar() {
  return draw("svg", { class: "slots", preserveAspectRatio: "none", "aria-hidden": "true" },
    draw("rect", { class: "track", x: 0, y: 0, height: 16 }),
    draw("rect", { class: "filled", x: 0, y: 0, height: 16 }),
    draw("rect", { class: "failed", y: 7, height: 9 }),
    draw("rect", { class: "missing", y: 12, height: 4 }),
    draw("path", { class: "seam" }));
}

function showBar(svg, fill) {
  const [track, filled, failed, missing, seams] = svg.children;
  mark(svg, "viewBox", `0 0 ${fill.slots} 16`);
  mark(track, "width", fill.slots);
  mark(filled, "width", fill.filled);
  mark(failed, "x", fill.filled);
  mark(failed, "width", fill.failed);
  mark(missing, "x", fill.slots - fill.missing);
  mark(missing, "width", fill.missing);
  if (fill.slots <= MOST_SEAMS && !seams.hasAttribute("d")) {
    seams.setAttribute("d", Array.from({ length: fill.slots - 1 }, (_, slot) => `M${slot + 1} 0V16`).join(""));
  }
}

export const pendingText = (fills) => (fills ? ` ${plural(fills.pending, "claim", fills.pending_more)} pending.` : "");
