/** The large picture, the classes that its latent can be drawn in, and what it is in words. */

import { classChoice } from "./classes.js";
import { counted, find, whileBusy } from "./elements.js";
import { Latest } from "./drawing.js";
import { blank, paint } from "./pictures.js";

const REDRAWN_BY = ["psi", "step", "chosen", "label", "moves", "corners", "planar", "point", "time", "facts"];
const QUIET = 150; // milliseconds without a change after which the other classes are drawn

/** Runs the section; returns {canvas, latent(): that of the picture now}. */
export function picture({ view, places, drawing, tell, drewBy }) {
  const canvas = find("picture");
  const { image_shape: shape } = view.facts;
  [canvas.height, canvas.width] = shape;
  canvas.style.setProperty("--ratio", String(shape[1] / shape[0]));
  const classes = classChoice(find("label"), "Class of the picture", view.facts.classes, "", (number) =>
    view.set({ label: number }),
  );
  const thumbnails = new Map([...classes.buttons].map(([number, button]) => [number, prepended(button, blank(shape))]));
  let round = 0;

  const latest = new Latest(async (state) => {
    const latent = await places.picture(state);
    const { pixels, step } = await drawing.now(latent, state.label, state.step);
    paint(canvas, pixels, shape);
    canvas.dataset.step = String(step);
    drewBy(step);
  });

  async function drawThumbnails() {
    const number = ++round;
    await new Promise((resolve) => setTimeout(resolve, QUIET));
    if (!thumbnails.size || number !== round) return;
    const latent = await places.picture(view.state);
    const labels = [...thumbnails.keys()];
    await drawing.later(labels.map(() => latent), labels, view.state.step, () => number === round, (index, pixels, i) =>
      paint(thumbnails.get(labels[index]), pixels, shape, i),
    );
  }

  function draw() {
    whileBusy(canvas, latest.ask(view.state), tell);
    whileBusy(find("label"), drawThumbnails(), tell);
  }

  function show() {
    const { state, facts } = view;
    const name = facts.classes.find((each) => each.number === state.label)?.name;
    const text = `${words(state)}${name ? `, ${name}` : ""}`;
    find("where").textContent = text;
    canvas.setAttribute("aria-label", `The picture: ${text}`);
    classes.show(state.label);
  }

  view.listen((changed) => {
    show();
    if (REDRAWN_BY.some((each) => changed.has(each))) draw();
  });
  show();
  draw();
  return { canvas, latent: () => places.picture(view.state) };
}

function prepended(button, canvas) {
  button.prepend(canvas);
  return canvas;
}

/** What a view's picture is. */
function words({ chosen, planar, point, time, moves }) {
  const start = planar
    ? `The plane at ${Math.round(100 * point.x)} % across, ${Math.round(100 * point.y)} % down`
    : `Sample ${counted(chosen.index)} of seed ${chosen.seed}`;
  return `${start}${time ? ", on a walk" : ""}${moves.some(Boolean) ? ", moved" : ""}`;
}
