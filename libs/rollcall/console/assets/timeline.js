// What happened, and a few words of it for those who listen instead of looking.

import { byId, make, renew, say, shape } from "./elements.js";
import { time } from "./formats.js";

const MOODS = {
  joined: "good", recovered: "good", left: "calm", lost: "bad", fault: "warn", rebalance: "calm", lanes: "calm",
  paused: "warn", resumed: "good", dead_letters: "bad", redriven: "good", discarded: "calm",
};
const SPOKEN = new Set(["joined", "recovered", "left", "lost", "fault", "rebalance", "paused", "resumed"]);
const SPOKEN_AT_ONCE = 3;
const SILENCE_SECONDS = 5;

let known = null;
let unspoken = [];
let spokenAt = 0;

export function showTimeline(state) {
  const { entries, watched_since: watchedSince } = state.timeline;
  renew(byId("timeline"), entries, (entry) => entry.key, create, (element, entry) => say(element.lastElementChild, entry.text));
  byId("timeline-none").hidden = entries.length > 0;
  say(byId("timeline-since"),
    `Joins, pauses and orders are recorded. The rest is what ${state.told_by} saw while this page was open somewhere, `
    + `since ${time(watchedSince)}.`);
  if (known) unspoken.push(...entries.filter((entry) => !known.has(entry.key) && SPOKEN.has(entry.kind)).reverse());
  known = new Set(entries.map((entry) => entry.key));
  speak();
}

function create(entry) {
  const mood = MOODS[entry.kind];
  const icon = make("span", { class: `mood-${mood}` }, shape(mood));
  return make("li", { "data-kind": entry.kind }, make("time", { datetime: entry.at, title: entry.at }, time(entry.at)), icon, make("p"));
}

function speak() {
  const now = Date.now();
  if (unspoken.length === 0 || now - spokenAt < SILENCE_SECONDS * 1000) return;
  const said = unspoken.slice(-SPOKEN_AT_ONCE).map((entry) => entry.text).join(". ");
  const more = unspoken.length - SPOKEN_AT_ONCE;
  say(byId("announcer"), more > 0 ? `${said}. And ${more} more.` : said);
  unspoken = [];
  spokenAt = now;
}

setInterval(speak, 1000);
