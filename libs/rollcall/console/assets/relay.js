// What waits to be published, and the counts of dead letters.

import { byId, renew, row, say, showState } from "./elements.js";
import { atLeast, count, duration, plural, since } from "./formats.js";
import { pendingText } from "./fills.js";

export function showRelay(state) {
  const { relay, fills } = state;
  say(byId("relay-summary"),
    `${plural(relay.events, "event", relay.more)} to publish.${pendingText(fills)}`);
  renew(byId("lane-rows"), relay.lanes, (lane) => lane.lane,
    () => row([["", ""], ["", "wide"], ["Events", "number"], ["Oldest", "number"]]),
    (element, lane) => {
      const [name, owner, events, oldest] = element.children;
      say(name, `lane ${lane.lane}`);
      if (lane.owner) showState(owner, "good", lane.owner);
      else if (lane.owned) showState(owner, "calm", "an instance that does not answer");
      else showState(owner, "bad", "no owner");
      say(events, count(lane.events));
      say(oldest, lane.oldest_seconds === null ? "–" : duration(lane.oldest_seconds));
    });
}

const MOODS = { dead: "bad", redriven: "good", discarded: "calm" };

export function showLetterCounts(state) {
  const { letters, at } = state;
  renew(byId("letter-rows"), letters.counts, (each) => `${each.state} ${each.error_type}`,
    () => row([["", ""], ["", ""], ["Letters", "number"], ["Last met", "number"]]),
    (element, each) => {
      const [error, status, number, met] = element.children;
      say(error, each.error_type);
      showState(status, MOODS[each.state], each.state);
      say(number, count(each.letters));
      say(met, `${since(each.last_seen_at, at)} ago`);
    });
  byId("letter-counts").hidden = letters.counts.length === 0;
  byId("letters-none").hidden = letters.counts.length > 0;
  const more = byId("letters-more");
  more.hidden = !letters.more;
  say(more, `Only ${atLeast(10000, true)} were counted.`);
}
