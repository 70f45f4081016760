// Shows each section when it has changed.

import { byId, mark, say } from "./elements.js";
import { time } from "./formats.js";
import { begin, remember } from "./curves.js";
import { connect } from "./connection.js";
import { showTold, showTotals } from "./overview.js";
import { showInstances, showPartitions } from "./instances.js";
import { showFills } from "./fills.js";
import { showLetterCounts, showRelay } from "./relay.js";
import { showTimeline } from "./timeline.js";
import { prepareAdministration } from "./administration.js";
import { prepareLogs, showPrograms } from "./logs.js";

function onState(state, changed, whole) {
  if (whole) {
    begin("rate", state.history.map((point) => point.records_per_second));
    begin("lag", state.history.map((point) => point.lag));
  } else if (changed.has("point")) {
    remember("rate", state.point.records_per_second);
    remember("lag", state.point.lag);
  }
  showTold(state);
  showInstances(state);
  showTotals(state);
  if (changed.has("partitions") || changed.has("topics") || changed.has("instances")) showPartitions(state);
  showFills(state);
  showRelay(state);
  showLetterCounts(state);
  if (changed.has("timeline")) showTimeline(state);
  if (changed.has("programs")) showPrograms(state);
  say(byId("connection-text"), `Live, ${time(state.at)}`);
}

function onHealth(health, trouble) {
  mark(byId("connection"), "data-state", health);
  if (health !== "live") say(byId("connection-text"), "Not live");
  byId("trouble").hidden = health === "live";
  say(byId("trouble"), trouble);
}

prepareAdministration();
prepareLogs();
connect(onState, onHealth);
