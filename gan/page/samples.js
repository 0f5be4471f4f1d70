/** The grid of samples: seed, pages, truncation, class; a click takes one, Shift-click gives it to the plane. */

import { classChoice } from "./classes.js";
import { counted, find, made, onRange, whileBusy } from "./elements.js";
import { blank, paint } from "./pictures.js";
import { asPage, LARGEST_PAGE, LARGEST_SEED, PER_PAGE, readSeed } from "./view.js";

const REDRAWN_BY = ["seed", "page", "psi", "shown", "step", "facts"];
const KEYS = { ArrowLeft: -1, ArrowRight: 1 };

/** Runs the section; returns {latents(): those of the grid, labels(), canvases}. */
export function samples({ view, places, drawing, tell }) {
  const [grid, seed, psi] = ["grid", "seed", "psi"].map(find);
  const { facts } = view;
  const canvases = Array.from({ length: PER_PAGE }, () => blank(facts.image_shape));
  const cells = canvases.map((canvas, i) => cell(canvas, i));
  const classes = classChoice(find("shown"), "Class of the samples", facts.classes, "All", (number) =>
    view.set({ shown: number }),
  );
  let drawn = 0; // the number of the newest drawing

  function cell(canvas, i) {
    const button = made("button", { type: "button", className: "cell", tabIndex: i ? -1 : 0 }, canvas);
    button.addEventListener("click", (event) => (event.shiftKey ? toCorner(i) : take(i)));
    button.addEventListener("keydown", (event) => onKey(event, i));
    return button;
  }

  const first = () => view.state.page * PER_PAGE;
  const sample = (i) => ({ seed: view.state.seed, index: first() + i });
  const label = (i) => places.label(first() + i, view.state.shown);

  function take(i) {
    view.set(
      { chosen: sample(i), label: label(i), moves: facts.directions.map(() => 0), planar: false, time: 0 },
      `take ${first() + i}`,
    );
  }

  function toCorner(i) {
    const free = view.state.corners.indexOf(null);
    if (free < 0) return tell("All corners are taken; clear them first.");
    const corners = view.state.corners.map((one, at) =>
      at === free ? { ...sample(i), moves: facts.directions.map(() => 0) } : one,
    );
    view.set({ corners }, `corner ${free}`);
    tell(`Sample ${counted(first() + i)} is in corner ${free + 1} of the plane.`);
  }

  function onKey(event, i) {
    if (event.key === "Enter" && event.shiftKey) {
      event.preventDefault();
      return toCorner(i);
    }
    const columns = cells.filter((one) => one.offsetTop === cells[0].offsetTop).length;
    const step = { ...KEYS, ArrowUp: -columns, ArrowDown: columns, Home: -i, End: PER_PAGE - 1 - i }[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    focus(i + step);
  }

  function focus(i) {
    if (!cells[i]) return;
    cells.forEach((one, at) => (one.tabIndex = at === i ? 0 : -1));
    cells[i].focus();
  }

  async function draw() {
    const number = ++drawn;
    const { state } = view;
    const latents = await places.page(state.seed, state.page, state.psi);
    const labels = label(0) === null ? null : latents.map((_, i) => label(i));
    const wanted = () => number === drawn;
    await drawing.later(latents, labels, state.step, wanted, (index, pixels, i) =>
      paint(canvases[index], pixels, facts.image_shape, i),
    );
  }

  function show() {
    const { state } = view;
    seed.value = String(state.seed);
    psi.value = String(state.psi);
    find("psi-now").textContent = state.psi.toFixed(2);
    find("range").textContent = `${counted(first())}–${counted(first() + PER_PAGE - 1)}`;
    find("previous").disabled = state.page === 0;
    find("next").disabled = state.page === LARGEST_PAGE;
    classes.show(state.shown);
    cells.forEach((one, i) => {
      const name = facts.classes.find((each) => each.number === label(i))?.name;
      one.setAttribute("aria-label", `Sample ${counted(first() + i)}${name ? `, ${name}` : ""}`);
      const { chosen } = state;
      one.setAttribute(
        "aria-pressed",
        String(!state.planar && chosen.seed === state.seed && chosen.index === first() + i),
      );
    });
  }

  grid.replaceChildren(...cells);
  find("previous").addEventListener("click", () => view.set({ page: asPage(view.state.page - 1) }));
  find("next").addEventListener("click", () => view.set({ page: asPage(view.state.page + 1) }));
  seed.addEventListener("change", () => {
    const value = readSeed(seed.value);
    seed.value = String(value ?? view.state.seed);
    if (value !== undefined) return view.set({ seed: value, page: 0 });
    tell(`The seed stays ${seed.value}: a seed is a whole number from 0 to ${counted(LARGEST_SEED)}.`);
  });
  onRange(
    psi,
    (value) => view.change({ psi: value }),
    () => view.settle("psi"),
  );
  view.listen((changed) => {
    show();
    if (REDRAWN_BY.some((name) => changed.has(name))) whileBusy(grid, draw(), tell);
  });
  show();
  whileBusy(grid, draw(), tell);
  return {
    canvases,
    latents: () => places.page(view.state.seed, view.state.page, view.state.psi),
    labels: () => (label(0) === null ? null : canvases.map((_, i) => label(i))),
  };
}
