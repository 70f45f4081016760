// Numbers, times and names as the page writes them.

const whole = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const count = (value) => (value === null || value === undefined ? "–" : whole.format(Math.round(value)));
export const atLeast = (value, more) => count(value) + (more ? "+" : "");
export const time = (text) => clock.format(new Date(text));

export function plural(value, noun, more = false) {
  const nouns = noun.endsWith("ch") ? `${noun}es` : `${noun}s`;
  return `${atLeast(value, more)} ${value === 1 && !more ? noun : nouns}`;
}

/** Seconds in their two largest units: 5 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export const since = (then, now) => duration((new Date(now) - new Date(then)) / 1000);

/** The letters that stand for instances in the map of partitions: free ones are used again. */
const letters = new Map();

export function nameInstances(instances) {
  const present = new Set(instances.map((instance) => instance.instance_id));
  for (const known of [...letters.keys()]) if (!present.has(known)) letters.delete(known);
  for (const id of present) {
    if (letters.has(id)) continue;
    const taken = new Set(letters.values());
    let number = 0;
    while (taken.has(lettered(number))) number += 1;
    letters.set(id, lettered(number));
  }
}

function lettered(number) {
  const rest = Math.floor(number / 26);
  return (rest ? lettered(rest - 1) : "") + String.fromCharCode(65 + (number % 26));
}

export const letterOf = (instanceId) => letters.get(instanceId) ?? "?";
