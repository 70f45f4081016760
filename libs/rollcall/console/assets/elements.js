// Makes and renews elements. Text is always text: no function here takes markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  return dressed(document.createElement(tag), attributes, children);
}

export function draw(tag, attributes = {}, ...children) {
  return dressed(document.createElementNS(SVG, tag), attributes, children);
}

function dressed(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Says `text`, and touches the page only if it is new. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Says a name such as a.long.name.v1, which may be broken after its dots. */
export function sayDotted(element, name) {
  if (element.textContent === name) return;
  const parts = name.split(/(?<=\.)/);
  element.replaceChildren(...parts.flatMap((part) => [part, make("wbr")]));
}

/** An attribute that is there exactly if `value` is. */
export function mark(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** A table's row: `columns` are [label, classes]; one of them is the row's heading. */
export function row(columns, heading = 0) {
  const cells = columns.map(([label, classes], index) =>
    index === heading
      ? make("th", { role: "rowheader", scope: "row", class: classes })
      : make("td", { role: "cell", class: classes, "data-label": label || null }));
  return make("tr", { role: "row" }, ...cells);
}

/**
 * Shows one child of `parent` for each item, in their order. A child stays the same element as long
 * as its item's key is there, so that focus and selection survive.
 */
export function renew(parent, items, key, create, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = known.get(name);
    known.delete(name);
    if (!child) {
      child = create(item);
      child.dataset.key = name;
    }
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of known.values()) child.remove();
}

const SHAPES = {
  good: "M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1Z",
  warn: "M6 .6 11.6 11H.4Z",
  bad: "M2.3.8 6 4.5 9.7.8l1.5 1.5L7.5 6l3.7 3.7-1.5 1.5L6 7.5l-3.7 3.7L.8 9.7 4.5 6 .8 2.3Z",
  calm: "M6 .5 11.5 6 6 11.5.5 6Z",
};

/** A small picture of how things are: disc, triangle, cross or diamond. */
export function shape(mood) {
  return draw("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" },
    draw("path", { d: SHAPES[mood], fill: "currentColor" }));
}

/** A state in words with its shape. */
export function showState(cell, mood, text) {
  let span = cell.querySelector(".state");
  if (!span || span.dataset.mood !== mood) {
    const next = make("span", { class: "state", "data-mood": mood }, shape(mood), make("span"));
    if (span) span.replaceWith(next);
    else cell.prepend(next);
    span = next;
  }
  say(span.lastElementChild, text);
}
