/** Small things that every part of the page needs: finding and making elements, numbers in words, motion. */

/** The element of that id. */
export const find = (id) => document.getElementById(id);

/** A new element with properties (`dataset` and `aria-...` attributes too) and children. */
export function made(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** 12345 as 12,345. */
export const counted = (number) => number.toLocaleString("en-US");

/** A share 0..1 as 5.3 %. */
export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** A number within limits. */
export const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/**
 * Marks an element as busy until work ends, or until a later work on it does; what fails is told. For those who look
 * on, by eye or by program: what they see is not what was asked for yet.
 */
export function whileBusy(element, work, tell) {
  const number = Number(element.dataset.works || 0) + 1;
  element.dataset.works = String(number);
  element.setAttribute("aria-busy", "true");
  work.catch(tell).finally(() => element.dataset.works === String(number) && element.removeAttribute("aria-busy"));
}

/** Whether the person asks for little motion. */
export const wantsLittleMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Lets a range input tell every move at once, by `moves(value)`, and when it was let go, by `rests(value)`. */
export function onRange(input, moves, rests) {
  input.addEventListener("input", () => moves(Number(input.value)));
  input.addEventListener("change", () => rests(Number(input.value)));
}
