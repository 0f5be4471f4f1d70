/** The choice of a class: buttons where there are few, otherwise a list. */

import { made } from "./elements.js";

const MOST_BUTTONS = 20;

/**
 * Fills `place` with a choice of `classes` ({number, name}), after `every` where that is a word for all of them.
 * `chosen(number or null)` hears of a choice. Returns {show(number or null), buttons: by number}.
 */
export function classChoice(place, title, classes, every, chosen) {
  const choices = [...(every ? [{ number: null, name: every }] : []), ...classes];
  place.hidden = !classes.length;
  if (!classes.length) return { show() {}, buttons: new Map() };
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", title);
  return choices.length <= MOST_BUTTONS ? asButtons(place, choices, chosen) : asList(place, title, choices, chosen);
}

function asButtons(place, choices, chosen) {
  const buttons = new Map(
    choices.map(({ number, name }) => [
      number,
      made("button", { type: "button", onclick: () => chosen(number) }, made("span", { textContent: name })),
    ]),
  );
  place.replaceChildren(...buttons.values());
  return {
    buttons,
    show: (number) => buttons.forEach((button, each) => button.setAttribute("aria-pressed", String(each === number))),
  };
}

function asList(place, title, choices, chosen) {
  const list = made("select", { "aria-label": title });
  list.append(...choices.map(({ number, name }) => made("option", { value: String(number), textContent: name })));
  list.addEventListener("change", () => chosen(list.value === "null" ? null : Number(list.value)));
  place.replaceChildren(list);
  return { buttons: new Map(), show: (number) => (list.value = String(number)) };
}
