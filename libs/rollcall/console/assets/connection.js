// The stream of what changes. The browser itself connects again when it is lost.

const QUIET_SECONDS = 15;

/** Calls `onState` with all sections and the set of those that changed; `onHealth` with how the stream is. */
export function connect(onState, onHealth) {
  const state = {};
  let heard = Date.now();
  let source = null;

  const open = () => {
    source = new EventSource(new URL("../events", import.meta.url));
    source.addEventListener("snapshot", (event) => take(JSON.parse(event.data), true));
    source.addEventListener("change", (event) => take(JSON.parse(event.data), false));
    source.addEventListener("trouble", (event) => {
      heard = Date.now();
      onHealth("broken", JSON.parse(event.data).text);
    });
    source.onerror = () => {
      onHealth("broken", "The connection is lost; trying again.");
      // Refused (503): the browser gives up, we do not.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 5000);
    };
  };

  const take = (sections, whole) => {
    heard = Date.now();
    Object.assign(state, sections);
    onHealth("live", "");
    onState(state, new Set(Object.keys(sections)), whole);
  };

  setInterval(() => {
    const seconds = Math.round((Date.now() - heard) / 1000);
    if (seconds > QUIET_SECONDS) onHealth("broken", `Nothing was heard for ${seconds} s; what is shown is old.`);
  }, 1000);
  open();
}
