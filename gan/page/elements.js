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

/** Whether the person asks for little motion. */
export const wantsLittleMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Lets a range input tell every move at once, by `moves(value)`, and when it was let go, by `rests(value)`. */
export function onRange(input, moves, rests) {
  input.addEventListener("input", () => moves(Number(input.value)));
  input.addEventListener("change", () => rests(Number(input.value)));
}
