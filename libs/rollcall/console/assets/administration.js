// What a holder of the admin token does: redrive dead letters, pause and resume topics.
// The token lives in a variable of this module alone.

import { byId, make, mark, renew, row, say, showState } from "./elements.js";
import { count, plural } from "./formats.js";

const PAGE = 50;
const MOST = 1000;

let token = null;
let letters = [];
let next = null;
let topics = [];
let order = null;

async function ask(path, body) {
  const answer = await fetch(new URL(`../../v1/${path}`, import.meta.url), {
    method: body ? "POST" : "GET",
    headers: { Authorization: `Bearer ${token}`, ...(body ? { "Content-Type": "application/json" } : {}) },
    body: body ? JSON.stringify(body) : undefined,
    cache: "no-store",
    credentials: "omit",
  }).catch(() => { throw new Error("No answer: is the service there?"); });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.detail ?? `The answer was ${answer.status}.`);
  return said;
}

function tell(mood, text) {
  mark(byId("admin-message"), "data-mood", mood);
  say(byId("admin-message"), text);
}

function guarded(work) {
  return async (event) => {
    event?.preventDefault();
    try {
      await work(event);
    } catch (error) {
      tell("bad", error.message);
    }
  };
}

const unlock = guarded(async () => {
  token = byId("token").value.trim();
  try {
    await load();
  } catch (error) {
    lock();
    throw error;
  }
  byId("token").value = "";
  byId("token-form").hidden = true;
  byId("token-note").hidden = true;
  byId("admin-area").hidden = false;
  tell("good", `Unlocked for ${byId("operator").value.trim()}.`);
  byId("redrive-all").focus();
});

function lock() {
  token = null;
  letters = [];
  topics = [];
  byId("letters").replaceChildren();
  byId("token-form").hidden = false;
  byId("token-note").hidden = false;
  byId("admin-area").hidden = true;
  byId("token").focus();
}

async function load(after = null) {
  const query = new URLSearchParams({ limit: PAGE, ...(after ? { after } : {}) });
  const page = await ask(`dead-letters?${query}`);
  letters = after ? [...letters, ...page.letters] : page.letters;
  next = page.after;
  say(byId("letters-caption"), page.total ? `${plural(page.total, "dead letter")}, ${count(letters.length)} shown` : "No dead letter waits for a decision");
  byId("letters-next").hidden = !next;
  byId("redrive-all").disabled = page.total === 0;
  renew(byId("letters"), letters, (letter) => letter.id, createLetter, updateLetter);
  chosenChanged();
  ({ topics } = await ask("topics"));
  renew(byId("topic-switches"), topics, (topic) => topic.topic, createSwitch, updateSwitch);
}

function createLetter(letter) {
  const element = row([["", ""], ["", ""], ["", "wide"], ["Attempts", "number"], ["Bytes", "number"], ["Last met", ""]], 1);
  const [choose, , error] = element.children;
  const box = make("input", { type: "checkbox", "aria-label": `Choose ${letter.id}` });
  box.addEventListener("change", chosenChanged);
  choose.append(box);
  error.append(make("strong"), make("span", { class: "under" }));
  return element;
}

function updateLetter(element, letter) {
  const [, place, error, attempts, bytes, met] = element.children;
  say(place, letter.id);
  say(error.children[0], letter.error_type);
  say(error.children[1], letter.error_message);
  say(attempts, count(letter.attempts));
  say(bytes, count(letter.size_bytes));
  say(met, new Date(letter.last_seen_at).toLocaleString());
}

const chosen = () => [...byId("letters").children]
  .filter((element) => element.querySelector("input").checked).map((element) => element.dataset.key);

function chosenChanged() {
  const number = chosen().length;
  byId("redrive-chosen").disabled = number === 0;
  say(byId("redrive-chosen"), number ? `Redrive ${number} chosen` : "Redrive chosen");
}

function createSwitch(topic) {
  const button = make("button", { type: "button" });
  button.addEventListener("click", guarded(() => openSwitch(topic.topic)));
  return make("li", {}, make("span", {}, topic.topic), make("span"), button);
}

function updateSwitch(element, topic) {
  const [, state, button] = element.children;
  showState(state, topic.paused ? "warn" : "good", topic.paused ? `paused: ${topic.paused.reason}` : "consumed");
  say(button, topic.paused ? "Resume" : "Pause");
  mark(button, "aria-label", `${topic.paused ? "Resume" : "Pause"} ${topic.topic}`);
}

/** An order is told first: what it would do; then its reason is asked for; then it is carried out. */
function open(title, counted, go, carryOut) {
  order = { carryOut, ready: false };
  say(byId("order-title"), title);
  say(byId("order-count"), counted);
  say(byId("order-go"), go);
  say(byId("order-problem"), "");
  byId("order-reason").value = "";
  byId("order-go").disabled = true;
  byId("order").showModal();
  byId("order-reason").focus();
}

function readyToGo() {
  byId("order-go").disabled = !order?.ready || byId("order-reason").value.trim() === "";
}

async function openRedrive(selection, title) {
  const by = byId("operator").value.trim();
  open(title, "Counting what would be sent again …", "Redrive", async (reason) => {
    const done = await ask("dead-letters/redrive", { ...selection, by, reason, limit: MOST });
    const rest = done.after ? " There are more: redrive again." : "";
    return `${plural(done.touched, "dead letter")} sent through their topics again.${rest}`;
  });
  const mine = order;
  try {
    const trial = await ask("dead-letters/redrive", { ...selection, by, limit: MOST, dry_run: true });
    if (order !== mine) return;
    say(byId("order-count"), counted(trial));
    say(byId("order-go"), `Redrive ${count(trial.touched)}`);
    order.ready = trial.touched > 0;
  } catch (error) {
    if (order !== mine) return;
    say(byId("order-count"), "");
    say(byId("order-problem"), error.message);
  }
  readyToGo();
}

function counted(trial) {
  const kinds = Object.entries(trial.by_error_type).map(([error, number]) => `${error} ${count(number)}`).join(", ");
  const left = trial.untouched.length ? ` ${count(trial.untouched.length)} would be left alone.` : "";
  const rest = trial.after ? ` More than ${count(MOST)} match: these come first.` : "";
  return `${plural(trial.touched, "dead letter")} would be sent through their topics again${kinds ? ` (${kinds})` : ""}.${left}${rest}`;
}

function openSwitch(name) {
  const topic = topics.find((each) => each.topic === name);
  const by = byId("operator").value.trim();
  const action = topic.paused ? "resume" : "pause";
  const said = topic.paused ? "Every instance goes on with it where it stopped." : "No instance consumes it until it is resumed.";
  open(`${topic.paused ? "Resume" : "Pause"} ${name}`, said, topic.paused ? "Resume" : "Pause", async (reason) => {
    const done = await ask(`topics/${encodeURIComponent(name)}/${action}`, { by, reason });
    return `${name} is ${done.action}.`;
  });
  order.ready = true;
}

const carryOut = async (event) => {
  event.preventDefault();
  byId("order-go").disabled = true;
  try {
    const done = await order.carryOut(byId("order-reason").value.trim());
    byId("order").close();
    tell("good", done);
    await guarded(() => load())();
  } catch (error) {
    say(byId("order-problem"), error.message);
    readyToGo();
  }
};

export function prepareAdministration() {
  byId("token-form").addEventListener("submit", unlock);
  byId("lock").addEventListener("click", () => { lock(); tell(null, "The token is forgotten."); });
  byId("letters-reload").addEventListener("click", guarded(() => load()));
  byId("letters-next").addEventListener("click", guarded(() => load(next)));
  byId("redrive-chosen").addEventListener("click", guarded(() => openRedrive({ ids: chosen() }, "Redrive the chosen dead letters")));
  byId("redrive-all").addEventListener("click", guarded(() => openRedrive({ all: true }, "Redrive all dead letters")));
  byId("order-reason").addEventListener("input", readyToGo);
  byId("order-cancel").addEventListener("click", () => byId("order").close());
  byId("order").addEventListener("close", () => { order = null; });
  byId("order-form").addEventListener("submit", carryOut);
}
