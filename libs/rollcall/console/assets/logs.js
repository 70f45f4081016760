// Processes of this machine and their logs: only the cluster command knows them.

import { byId, make, renew, row, say, showState } from "./elements.js";

const RENEW_SECONDS = 2;
const STATES = { running: ["good", "running"], dead: ["bad", "dead"], external: ["calm", "not ours"] };

export function showPrograms(state) {
  const { programs } = state;
  byId("programs").hidden = !programs;
  if (!programs) return;
  renew(byId("program-rows"), programs, (program) => program.name,
    () => row([["", ""], ["", ""], ["Pid", "number"], ["Address", ""]]),
    (element, program) => {
      const [name, status, pid, address] = element.children;
      say(name, program.name);
      showState(status, ...STATES[program.status]);
      say(pid, program.pid === null ? "–" : String(program.pid));
      say(address, program.address);
    });
  const kept = programs.filter((program) => program.status !== "external");
  renew(byId("log-name"), kept, (program) => program.name,
    (program) => make("option", { value: program.name }, program.name), () => {});
}

async function renewLog() {
  const name = byId("log-name").value;
  if (!byId("logs").open || document.hidden || !name) return;
  const lines = byId("log-lines");
  try {
    const answer = await fetch(new URL(`../logs/${encodeURIComponent(name)}`, import.meta.url), { cache: "no-store" });
    const text = (await answer.json()).lines.join("\n");
    const atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 4;
    say(lines, text || "nothing yet");
    if (atEnd) lines.scrollTop = lines.scrollHeight;
  } catch {
    say(lines, "The log cannot be read now.");
  }
}

export function prepareLogs() {
  byId("logs").addEventListener("toggle", renewLog);
  byId("log-name").addEventListener("change", renewLog);
  setInterval(renewLog, RENEW_SECONDS * 1000);
}
