/**
 * What the page shows, as one value that the address holds after its #, so that a link restores it.
 *
 *     seed, page      which samples the grid shows: PER_PAGE from page * PER_PAGE on
 *     psi             truncation, 0 to 1
 *     shown           the class of the grid; null: all of them in turn
 *     step            the checkpoint that draws; null: the newest
 *     chosen, label   the sample that was taken, {seed, index}, and the class that draws it (null: there are none)
 *     moves           standard deviations along the directions
 *     corners         four of {seed, index, moves} or null
 *     planar, point   whether the picture is that at the point {x, y} between the corners, in place of the sample
 *     time            where the walk from there is; 0: it has not begun
 */

import { clamp } from "./elements.js";

export const PER_PAGE = 40;
export const LARGEST_MOVE = 3;
export const WALK_STOPS = 5;
export const LARGEST_PAGE = 1e6;
export const LARGEST_SEED = Number.MAX_SAFE_INTEGER;
const LARGEST_INDEX = PER_PAGE * (LARGEST_PAGE + 1) - 1; // the last sample of the last page
const TOGETHER = 1500; // milliseconds in which changes of one kind are one step back

/** The view that a page begins with. */
export function initial(facts) {
  return {
    seed: 0,
    page: 0,
    psi: 1,
    shown: null,
    step: null,
    chosen: { seed: 0, index: 0 },
    label: facts.classes.length ? facts.classes[0].number : null,
    moves: facts.directions.map(() => 0),
    corners: [null, null, null, null],
    planar: false,
    point: { x: 0.5, y: 0.5 },
    time: 0,
  };
}

/** Whether the corners make a plane, or a line: the upper two, and both of the lower ones or none. */
export function isPlane(corners) {
  return Boolean(corners[0] && corners[1]) && Boolean(corners[2]) === Boolean(corners[3]);
}

/** The part of an address after #: what is not as it is at first. */
export function encode(view, facts) {
  const start = initial(facts);
  const parts = [];
  const put = (name, text) => parts.push(`${name}=${text}`);
  for (const name of ["seed", "page", "psi", "time"]) if (view[name] !== start[name]) put(name, short(view[name]));
  if (view.shown !== null) put("class", view.shown);
  if (view.step !== null) put("step", view.step);
  if (view.chosen.seed || view.chosen.index) put("at", sample(view.chosen));
  if (view.label !== start.label) put("label", view.label);
  if (view.moves.some(Boolean)) put("move", amounts(view.moves));
  if (view.corners.some(Boolean)) put("corners", view.corners.map((one) => (one ? corner(one) : "")).join(";"));
  if (view.planar) put("plane", `${short(view.point.x)},${short(view.point.y)}`);
  return parts.join("&");
}

/** [the view that a fragment holds, whether all of it could be used]. */
export function decode(fragment, facts) {
  const view = initial(facts);
  let whole = true;
  for (const part of fragment.replace(/^#/, "").split("&").filter(Boolean)) {
    const cut = part.indexOf("=");
    const [name, text] = [part.slice(0, cut), decodeURIComponentSafely(part.slice(cut + 1))];
    // its own names only: those that every object inherits, such as valueOf, are no part of a link
    whole = cut > 0 && Object.hasOwn(READERS, name) && READERS[name](view, text, facts) && whole;
  }
  const sound = repaired(view);
  return sound === view ? [view, whole] : [{ ...sound, point: initial(facts).point }, false];
}

/** The view itself, or where its picture is on a plane that is not there: a view of its sample. */
function repaired(view) {
  return view.planar && !isPlane(view.corners) ? { ...view, planar: false } : view;
}

const READERS = {
  seed: (view, text) => assign(view, "seed", integer(text, LARGEST_SEED)),
  page: (view, text) => assign(view, "page", integer(text, LARGEST_PAGE)),
  psi: (view, text) => assign(view, "psi", number(text, 0, 1)),
  time: (view, text) => assign(view, "time", number(text, 0, WALK_STOPS)),
  class: (view, text, facts) => assign(view, "shown", known(text, facts)),
  label: (view, text, facts) => assign(view, "label", known(text, facts)),
  step: (view, text, facts) =>
    assign(
      view,
      "step",
      facts.steps.find((step) => String(step) === text),
    ),
  at: (view, text) => assign(view, "chosen", readSample(text)),
  move: (view, text, facts) => assign(view, "moves", readAmounts(text, facts)),
  corners(view, text, facts) {
    const read = text.split(";").map((one) => (one ? readCorner(one, facts) : null));
    return assign(view, "corners", read.length === 4 && !read.includes(undefined) ? read : undefined);
  },
  plane(view, text) {
    const [x, y] = text.split(",").map((one) => number(one, 0, 1));
    return (
      assign(view, "point", x === undefined || y === undefined ? undefined : { x, y }) && assign(view, "planar", true)
    );
  },
};

function assign(view, name, value) {
  if (value === undefined) return false;
  view[name] = value;
  return true;
}

/** A number as precise as an address holds it: a view that has no others is the one that its link restores. */
export const short = (value) => Number(value.toFixed(4));

const amounts = (moves) =>
  moves
    .map((amount) => (amount ? short(amount) : ""))
    .join(",")
    .replace(/,+$/, "");
const sample = ({ seed, index }) => (seed ? `${seed}:${index}` : `${index}`);
const corner = (one) => sample(one) + (one.moves.some(Boolean) ? `~${amounts(one.moves)}` : "");

function decodeURIComponentSafely(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function integer(text, most) {
  const value = Number(text);
  return /^\d+$/.test(text) && value <= most ? value : undefined;
}

function number(text, least, most) {
  const value = Number(text);
  return /^-?\d*\.?\d+$/.test(text ?? "") && value >= least && value <= most ? value : undefined;
}

function known(text, facts) {
  return facts.classes.find((one) => String(one.number) === text)?.number;
}

function readSample(text) {
  const parts = text.split(":");
  const [seed, index] =
    parts.length === 2
      ? parts.map((one, i) => integer(one, [LARGEST_SEED, LARGEST_INDEX][i]))
      : [0, integer(text, LARGEST_INDEX)];
  return seed === undefined || index === undefined ? undefined : { seed, index };
}

function readAmounts(text, facts) {
  const read = text.split(",").map((one) => (one ? number(one, -LARGEST_MOVE, LARGEST_MOVE) : 0));
  if (read.includes(undefined) || read.length > facts.directions.length) return undefined;
  return facts.directions.map((_, i) => read[i] ?? 0);
}

function readCorner(text, facts) {
  const [where, moves = ""] = text.split("~");
  const [read, along] = [readSample(where), readAmounts(moves, facts)];
  return read && along ? { ...read, moves: along } : undefined;
}

/** The seed that a person has written, with spaces and commas between its digits; undefined: it is none. */
export const readSeed = (text) => integer(text.replace(/[\s,]/g, ""), LARGEST_SEED);

/** The page nearest to a number. */
export const asPage = (value) => clamp(value, 0, LARGEST_PAGE);

/** The view of a page, which tells its listeners what has changed, and keeps the browser's history. */
export class View {
  #listeners = [];
  #last = { kind: "", at: 0 };

  /** `tell(line)` hears of links that cannot be read as a whole. */
  constructor(facts, tell) {
    [this.facts, this.tell] = [facts, tell];
    this.state = this.#read();
    addEventListener("popstate", () => this.#restore());
  }

  /** Calls `listener(names of what has changed)` after each change; "facts" is one of the names. */
  listen(listener) {
    this.#listeners.push(listener);
  }

  /** Changes some of the view while something is being dragged: the address waits until `settle`. */
  change(patch) {
    const next = repaired({ ...this.state, ...patch });
    const changed = Object.keys(next).filter((name) => JSON.stringify(next[name]) !== JSON.stringify(this.state[name]));
    if (!changed.length) return;
    this.state = next;
    this.#tell(changed);
  }

  /** Writes the view into the address: a step that Back undoes, one for changes of a kind in quick succession. */
  settle(kind) {
    const fragment = encode(this.state, this.facts);
    if (`#${fragment}` === (location.hash || "#")) return;
    const now = performance.now();
    const joins = kind === this.#last.kind && now - this.#last.at < TOGETHER;
    this.#last = { kind, at: now };
    history[joins ? "replaceState" : "pushState"](
      null,
      "",
      fragment ? `#${fragment}` : `${location.pathname}${location.search}`,
    );
  }

  /** `change` and `settle`. */
  set(patch, kind = Object.keys(patch).join()) {
    this.change(patch);
    this.settle(kind);
  }

  /** The view of the address, after Back or Forward. */
  #restore() {
    this.#last = { kind: "", at: 0 };
    this.change(this.#read());
  }

  #read() {
    const [view, whole] = decode(location.hash, this.facts);
    this.tell(whole ? "" : "Not all of the link could be read; the rest of it is shown.");
    return view;
  }

  /** Other facts; a step that has gone gives way to the newest. */
  inform(facts) {
    this.facts = facts;
    if (this.state.step !== null && !facts.steps.includes(this.state.step)) {
      this.state = { ...this.state, step: null };
      this.#last = { kind: "gone", at: performance.now() };
      this.settle("gone"); // Back leads to no step that is not there
    }
    this.#tell(["facts"]);
  }

  #tell(changed) {
    for (const listener of this.#listeners) listener(new Set(changed));
  }
}
