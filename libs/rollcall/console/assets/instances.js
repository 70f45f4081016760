// Instances, and which of them has which partition.

import { byId, make, mark, renew, row, say, sayDotted, showState } from "./elements.js";
import { count, duration, letterOf, nameInstances, since } from "./formats.js";
import { curve, forgetOthers, remember, showCurve } from "./curves.js";

const WORDS = {
  ready: ["good", "ready"],
  not_ready: ["bad", "not ready"],
  starting: ["warn", "starting"],
  unreachable: ["warn", "does not answer"],
  lost: ["bad", "lost"],
};
const COLUMNS = [
  ["", ""], ["", "wide"], ["Partitions", "number"], ["Lag", "number"], ["Events/s", "number"],
  ["Lanes", ""], ["Heartbeat", "number"], ["Up", "number"], ["Process", "wide"],
];

export function showInstances(state) {
  nameInstances(state.instances);
  for (const instance of state.instances) {
    remember(`i ${instance.instance_id} lag`, instance.lag);
    remember(`i ${instance.instance_id} rate`, instance.records_per_second);
  }
  forgetOthers("i ", new Set(state.instances.flatMap(
    ({ instance_id: id }) => [`i ${id} lag`, `i ${id} rate`])));
  renew(byId("instance-rows"), state.instances, (instance) => instance.instance_id, create,
    (element, instance) => update(element, instance, state.at));
  byId("instances-none").hidden = state.instances.length > 0;
  const more = byId("instances-more");
  more.hidden = state.instances_left_out === 0;
  say(more, `${state.instances_left_out} more instances are not shown.`);
}

function create() {
  const element = row(COLUMNS);
  const [name, health, , lag, rate] = element.children;
  name.append(make("span", { class: "letter" }), make("span"), make("span", { class: "under" }));
  health.append(make("span", { class: "under" }));
  for (const cell of [lag, rate]) {
    cell.append(make("span", { class: "with-curve" }, curve(), make("span")));
  }
  return element;
}

function update(element, instance, at) {
  const [name, health, partitions, lag, rate, lanes, heartbeat, up, process] = element.children;
  mark(element, "class", instance.state === "lost" ? "gone" : null);
  mark(element, "data-state", instance.state);
  say(name.children[0], letterOf(instance.instance_id));
  say(name.children[1], instance.instance_id);
  say(name.children[2], instance.process ? `${instance.process} on ${instance.host}` : instance.host);
  const [mood, word] = WORDS[instance.state];
  showState(health, mood, word);
  say(health.lastElementChild, [...instance.problems, ...instance.notices].filter((text) => text !== word).join("; "));
  say(partitions, count(instance.partitions));
  say(lag.firstElementChild.lastElementChild, count(instance.lag));
  showCurve(lag.firstElementChild.firstElementChild, `i ${instance.instance_id} lag`);
  say(rate.firstElementChild.lastElementChild, count(instance.records_per_second));
  showCurve(rate.firstElementChild.firstElementChild, `i ${instance.instance_id} rate`);
  say(lanes, instance.lanes.join(" ") || "–");
  const beaten = instance.started_at !== null;
  say(heartbeat, beaten ? `${duration(instance.silence_seconds)} ago` : "–");
  say(up, beaten && instance.state !== "lost" ? since(instance.started_at, at) : "–");
  say(process, instance.pid === null ? "–" : `pid ${instance.pid}${port(instance.http_url)}`);
}

function port(url) {
  return url && URL.canParse(url) ? ` · :${new URL(url).port || 80}` : "";
}

const seen = new Map();

export function showPartitions(state) {
  const topics = new Map(state.topics.map((topic) => [topic.topic, { ...topic, partitions: [] }]));
  for (const partition of state.partitions) {
    if (!topics.has(partition.topic)) topics.set(partition.topic, { topic: partition.topic, paused: false, partitions: [] });
    topics.get(partition.topic).partitions.push(partition);
  }
  renew(byId("topic-rows"), [...topics.values()], (topic) => topic.topic, createTopic, updateTopic);
}

function createTopic() {
  const element = row([["", ""], ["", "wide owners"], ["Lag", "number"], ["", ""]]);
  element.children[1].append(make("span"), make("div", { class: "cells", "aria-hidden": "true" }));
  element.children[3].append(make("span", { class: "under" }));
  return element;
}

function updateTopic(element, topic) {
  const [name, owners, lag, state] = element.children;
  sayDotted(name, topic.topic);
  say(owners.firstElementChild, shares(topic.partitions));
  renew(owners.lastElementChild, topic.partitions, (partition) => partition.partition,
    () => make("span", { class: "cell" }), updateCell);
  const known = topic.partitions.filter((partition) => partition.lag !== null);
  say(lag, known.length === topic.partitions.length ? count(known.reduce((sum, each) => sum + each.lag, 0)) : "unknown");
  showState(state, topic.paused ? "warn" : "good", topic.paused ? "paused" : "consumed");
  say(state.lastElementChild, topic.reason ?? "");
}

function updateCell(cell, partition) {
  say(cell, partition.owner === null ? "–" : letterOf(partition.owner));
  mark(cell, "data-owner", partition.owner ?? "none");
  mark(cell, "data-lag", partition.lag ? partition.lag : null);
  mark(cell, "title", `${partition.partition}: ${partition.owner ?? "no owner"}, at ${count(partition.next_offset)}, lag ${count(partition.lag)}`);
  const place = `${partition.topic} ${partition.partition}`;
  const before = seen.get(place);
  seen.set(place, partition.owner);
  if (partition.owner === null || before === undefined || before === partition.owner) return;
  cell.classList.remove("moved");
  void cell.offsetWidth; // begins the animation anew
  cell.classList.add("moved");
}

function shares(partitions) {
  const owned = new Map();
  for (const { owner } of partitions) owned.set(owner, (owned.get(owner) ?? 0) + 1);
  const named = [...owned].map(([owner, number]) => [owner === null ? "nobody" : letterOf(owner), number]).sort();
  return named.map(([owner, number]) => `${owner} ${number}`).join(" · ") || "no partition has a position yet";
}
