// The totals at the top.

import { byId, make, mark, renew, say } from "./elements.js";
import { atLeast, count, duration, plural, since } from "./formats.js";
import { curve, showCurve } from "./curves.js";

export function showTotals(state) {
  renew(byId("totals"), tiles(state), (tile) => tile.name, create, update);
}

function create(tile) {
  const aside = make("dd", { class: "aside" });
  if (tile.curve) aside.append(curve());
  return make("div", { class: "total" }, make("dt", {}, tile.name), make("dd"), aside);
}

function update(element, tile) {
  mark(element, "data-mood", tile.bad ? "bad" : null);
  say(element.children[1], tile.value);
  if (tile.curve) showCurve(element.children[2].firstElementChild, tile.curve);
  else say(element.children[2], tile.aside);
}

function tiles(state) {
  const { totals, relay, letters, fills, at } = state;
  const oldest = Math.max(-1, ...relay.lanes.map((lane) => lane.oldest_seconds ?? -1));
  const lost = state.instances.filter((instance) => instance.state === "lost").length;
  const found = [
    {
      name: "Instances ready", value: `${totals.ready} of ${totals.instances}`,
      aside: lost ? `${lost} lost lately` : "none lost lately", bad: totals.ready < totals.instances || totals.instances === 0,
    },
    { name: "Events/s", value: count(totals.records_per_second), curve: "rate" },
    { name: "Lag", value: totals.lag === null ? "unknown" : count(totals.lag), curve: "lag" },
    {
      name: "To be published", value: atLeast(relay.events, relay.more),
      aside: oldest < 0 ? "nothing waits" : `oldest ${duration(oldest)}`, bad: oldest > 30,
    },
    {
      name: "Dead letters", value: atLeast(letters.dead, letters.more),
      aside: letters.dead ? "decide below" : "none to decide on", bad: letters.dead > 0,
    },
  ];
  if (fills) {
    found.splice(3, 0, {
      name: `${fills.title} open`, value: atLeast(fills.open, fills.open_more),
      aside: `${atLeast(fills.ended, fills.ended_more)} ended`,
    });
    found.splice(5, 0, {
      name: "Pending", value: atLeast(fills.pending, fills.pending_more),
      aside: fills.oldest_pending_at ? `oldest ${since(fills.oldest_pending_at, at)}` : "nothing waits",
    });
  }
  return found;
}

export function showTold(state) {
  say(byId("service"), `${state.service}${state.group === state.service ? "" : ` · ${state.group}`}`);
  say(byId("told"), `told by ${state.told_by}`);
  const { ready, instances } = state.totals;
  document.title = `${ready} of ${plural(instances, "instance")} ready · Rollcall`;
}
