/** The page: opens the backend that it is served with, and lets its parts share one view. */

import { open } from "./backend.js";
import { Drawing } from "./drawing.js";
import { counted, find, made } from "./elements.js";
import { picture } from "./picture.js";
import { Places } from "./places.js";
import { plane } from "./plane.js";
import { samples } from "./samples.js";
import { saving } from "./saving.js";
import { sliders } from "./sliders.js";
import { steps } from "./steps.js";
import { View } from "./view.js";
import { walk } from "./walk.js";

const TOLD = 12000; // milliseconds that a line stays
let fading = 0;

/** Tells the person a line, or an error's. */
function tell(what) {
  find("status").textContent = what instanceof Error ? what.message : what;
  clearTimeout(fading);
  if (!find("main").hidden) fading = setTimeout(() => (find("status").textContent = ""), TOLD);
}

function describe({ title, step, image_shape: [height, width, channels], latent_size: size, classes, can }) {
  const facts = [`${width} × ${height} × ${channels}`, `${size} latents`];
  if (!can.steps) facts.unshift(`Step ${counted(step)}`);
  if (classes.length) facts.push(`${counted(classes.length)} classes`);
  document.title = `${title} · latent space`;
  find("title").replaceChildren(...title.split(/(?<=[-_.])/).flatMap((part) => [part, made("wbr")]));
  find("facts").textContent = facts.join(" · ");
}

async function start() {
  const backend = await open(tell); // which says what it loads, where that takes its time
  tell("");
  const view = new View(backend.facts, tell);
  const drawing = new Drawing(backend);
  const places = new Places(backend, view);
  let drawnBy = backend.facts.step;
  const parts = { backend, view, drawing, places, tell, drewBy: (step) => (drawnBy = step), stepNow: () => drawnBy };
  describe(backend.facts);
  find("main").hidden = false;
  steps(parts);
  const grid = samples(parts);
  const shown = picture(parts);
  sliders(parts);
  walk(parts);
  plane(parts);
  saving({ ...parts, grid, picture: shown });
  const follow = (facts) => {
    describe(facts);
    view.inform(facts);
  };
  backend.watch(follow, tell);
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  tell(error);
  throw error;
});
